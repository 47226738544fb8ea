using System.Text.Json;
using DiffSynthSharp.Families;
using DiffSynthSharp.Models.TextEncoders;
using DiffSynthSharp.Prompts;
using DiffSynthSharp.Tests.Weights;
using DiffSynthSharp.Tokenizers;
using DiffSynthSharp.Weights;
using static TorchSharp.torch;

namespace DiffSynthSharp.Tests.Goldens;

/// <summary>Learned words: files in every published form, the ids they get, and prompts encoded with them.</summary>
internal sealed class TextualInversionRunner : IGoldenRunner
{
    public string Kind => "textual-inversion";

    public void Run(GoldenCase @case)
    {
        switch (@case.Text("operation"))
        {
            case "read-embedding": Read(@case); break;
            case "prompt" or "prompt-diffsynth": Encode(@case); break;
            case var other: throw new NotSupportedException($"The golden has an operation '{other}' that no one checks.");
        }
    }

    private static long Width(GoldenCase @case) => @case.Folder.Config.GetProperty("text_encoder").GetProperty("hidden_size").GetInt64();

    private static void Read(GoldenCase @case)
    {
        if (@case.Text("error") is { } about)
        {
            var error = Assert.Throws<DiffSynthException>(() => EmbeddingFile.Read(@case.FilePath, Width(@case))).Message;
            Assert.Contains(about, error);
            Assert.Contains(@case.FilePath, error);
            return;
        }
        using var read = EmbeddingFile.Read(@case.FilePath, Width(@case));
        Assert.Equal(@case.Text("keyword"), read.Keyword);
        Assert.Equal(@case.Json.GetProperty("vectors").EnumerateArray().Select(side => side.GetInt64()), read.Vectors.shape);
        using var file = new GoldenTensors(@case.FilePath);
        GoldenAssert.Close("vectors", read.Vectors, file[file.Names.Single()].reshape(read.Vectors.shape), 0);
    }

    private static void Encode(GoldenCase @case)
    {
        using var written = @case.WriteWeights(@case.Text("layout")!);
        using var file = WeightFile.Open(written.Path);
        var weights = NetworkGolden.Component(file, ClipTextKeys.Prefixes, ClipTextKeys.For);
        using var network = NetworkGolden.Fill(new ClipTextEncoder(ClipTextConfig.Detect(weights.Shapes)), weights);
        var tokenizer = ClipTokenizer.Load(@case.Folder.Resolve(@case.Folder.Config.GetProperty("tokenizer").GetString()!));
        var encoder = new ClipPromptEncoder(network, tokenizer, CPU);
        var keywords = Strings(@case.Json, "keywords");
        var most = @case.Json.TryGetProperty("formats", out _) ? Strings(@case.Json, "formats").Count : 1;
        for (var form = 0; form < Math.Max(1, most); form++) Compare(@case, encoder, keywords, form);
    }

    // Each keyword is written in a form of its own; over the rounds each of one keyword's recorded forms has its turn.
    private static void Compare(GoldenCase @case, ClipPromptEncoder encoder, IReadOnlyList<string> keywords, int round)
    {
        using var tensors = @case.Tensors();
        using var folder = new TemporaryFolder();
        var formats = @case.Json.TryGetProperty("formats", out _) ? Strings(@case.Json, "formats") : ["safetensors-emb_params"];
        var uses = keywords.Select((keyword, i) => Write(folder, i, keyword, tensors[$"in.vectors.{keyword}"], formats[keywords.Count == 1 ? round : i])).ToList();
        using var table = EmbeddingTable.Load(uses, encoder.Vocabulary, Width(@case), CPU);
        var diffSynth = @case.Text("operation") == "prompt-diffsynth";
        var reading = new PromptReading
        {
            ClipSkip = diffSynth ? @case.Json.GetProperty("clip_skip").GetInt32() : 1 + @case.Json.GetProperty("skip_last_layers").GetInt32(),
            LongPrompt = diffSynth ? LongPrompt.Rows : LongPrompt.Cut,
            Embeddings = table,
        };
        foreach (var (prompt, i) in Strings(@case.Json, "prompts").Select((prompt, i) => (prompt, i)))
        {
            var rows = encoder.Rows(prompt, reading, _ => { });
            Assert.Equal(tensors[$"out.input_ids.{i}"].data<long>().ToArray(), rows.Ids.SelectMany(row => row).Select(id => (long)id));
            GoldenAssert.Close($"prompt_embeds.{i}", encoder.Encode(prompt, reading, _ => { }), tensors[$"out.prompt_embeds.{i}"], @case.Tolerance);
        }
    }

    private static EmbeddingUse Write(TemporaryFolder folder, int number, string keyword, Tensor vectors, string format)
    {
        var stem = keyword.All(letter => char.IsAsciiLetterOrDigit(letter)) ? keyword : $"embedding{number}";
        var path = folder[$"{stem}.{(format == "a1111-pt" ? "pt" : "safetensors")}"];
        switch (format)
        {
            case "a1111-pt": File.WriteAllBytes(path, Pickled(vectors)); break;
            case "safetensors-emb_params": SafetensorsWriter.Write(path, [("emb_params", vectors)]); break;
            case "diffusers-1d": SafetensorsWriter.Write(path, [(keyword, vectors.reshape(-1))]); break;
            case "diffusers-2d": SafetensorsWriter.Write(path, [(keyword, vectors)]); break;
            default: throw new NotSupportedException($"The golden has a form '{format}' that no one checks.");
        }
        return new(path) { Keyword = format.StartsWith("diffusers", StringComparison.Ordinal) || stem == keyword ? null : keyword };
    }

    private static byte[] Pickled(Tensor vectors)
    {
        long rows = vectors.shape[0], width = vectors.shape[1];
        var bytes = System.Runtime.InteropServices.MemoryMarshal.AsBytes<float>(vectors.contiguous().data<float>().ToArray()).ToArray();
        return new PickleBytes().Op("}("u8).Text("string_to_token").Op("}"u8).Text("*").Number(265).Op("s"u8)
            .Text("string_to_param").Op("}"u8).Text("*").Tensor("0", "FloatStorage", rows * width, [rows, width], [width, 1]).Op("s"u8)
            .Text("name").Text("another").Text("step").Number(500).Op("u"u8).Archive(("0", bytes));
    }

    private static List<string> Strings(JsonElement json, string name) => [.. json.GetProperty(name).EnumerateArray().Select(item => item.GetString()!)];
}
