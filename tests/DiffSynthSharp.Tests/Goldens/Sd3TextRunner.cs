using DiffSynthSharp.Families;
using DiffSynthSharp.Models.TextEncoders;
using DiffSynthSharp.Tokenizers;
using DiffSynthSharp.Weights;
using static TorchSharp.torch;

namespace DiffSynthSharp.Tests.Goldens;

/// <summary>Prompts through the three text encoders of Stable Diffusion 3, from text to what the transformer gets.</summary>
internal sealed class Sd3TextRunner : IGoldenRunner
{
    public string Kind => "sd3-text";

    public void Run(GoldenCase @case)
    {
        var isBundle = @case.Text("layout") == "bundle";
        using var clipL = Clip(@case, isBundle ? "bundle" : "text_encoder", "clip_l", ClipTextKeys.Prefixes, isBundle);
        using var clipG = Clip(@case, isBundle ? "bundle" : "text_encoder_2", "clip_g", ClipTextKeys.BigPrefixes, isBundle);
        using var t5 = @case.Json.GetProperty("with_t5").GetBoolean() ? T5(@case, isBundle ? "bundle" : "text_encoder_3", isBundle) : null;
        using var tensors = @case.Tensors();
        var prompts = @case.Json.GetProperty("prompts").EnumerateArray().Select(prompt => prompt.GetString()!).ToList();
        var joined = prompts.Select((prompt, row) => Encode(@case, tensors, row, prompt, clipL, clipG, t5)).ToList();
        GoldenAssert.Close("prompt_embeds", cat([.. joined.Select(pair => pair.Context)]), tensors["out.prompt_embeds"], @case.Tolerance);
        GoldenAssert.Close("pooled_prompt_embeds", cat([.. joined.Select(pair => pair.Pooled)]), tensors["out.pooled_prompt_embeds"], @case.Tolerance);
    }

    private static (Tensor Context, Tensor Pooled) Encode(
        GoldenCase @case, GoldenTensors tensors, int row, string prompt, ClipTextEncoder clipL, ClipTextEncoder clipG, T5Encoder? t5)
    {
        var skip = @case.Json.TryGetProperty("clip_skip", out var skipped) ? skipped.GetInt32() : 0; // diffusers counts from the last layer but one
        var reading = new PromptReading { LongPrompt = LongPrompt.Cut, ClipSkip = 2 + skip };
        var length = @case.Json.GetProperty("max_sequence_length").GetInt32();
        var (promptG, promptT5) = (@case.Text("prompt_2") ?? prompt, @case.Text("prompt_3") ?? prompt);
        var encoderL = new ClipPromptEncoder(clipL, ClipTokenizer.Load(Tokenizer("clip")), CPU);
        var encoderG = new ClipPromptEncoder(clipG, ClipTokenizer.Load(Tokenizer("clip"), ClipTokenizer.PaddingOfClipG), CPU);
        var tokenizer = T5Tokenizer.Load(Tokenizer("t5"));
        // The recorded ids are those of the first prompt, in all three encoders.
        Assert.Equal(Row(tensors["in.ids_clip_l"], row), Assert.Single(encoderL.Rows(prompt, reading, _ => { }).Ids));
        Assert.Equal(Row(tensors["in.ids_clip_g"], row), Assert.Single(encoderG.Rows(prompt, reading, _ => { }).Ids));
        if (t5 is not null) Assert.Equal(Row(tensors["in.ids_t5"], row), tokenizer.Row(prompt, length).Ids);
        var widths = new Sd3TextWidths(clipL.Config.Width, clipG.Config.Width, @case.Folder.Config.GetProperty("joint_attention_dim").GetInt64());
        return Sd3Text.Join(
            widths, encoderL.EncodeWithPooled(prompt, reading, projects: true, _ => { }), encoderG.EncodeWithPooled(promptG, reading, projects: true, _ => { }),
            t5 is null ? null : new T5PromptEncoder(t5, tokenizer, CPU).Encode(promptT5, reading, length, _ => { }), rowsWithoutT5: length);
    }

    private static int[] Row(Tensor ids, int row) => [.. ids[row].data<long>().Select(id => (int)id)];

    private static string Tokenizer(string name) => Repository.Fixture($"goldens/tokenizers-tiny/{name}");

    // A folder has its configuration; a bundle has shapes alone.
    private static ConfigFile? Config(GoldenCase @case, string name, bool isBundle) => isBundle ? null : NetworkGolden.Config(@case.Folder.Config.GetProperty(name));

    private static ClipTextEncoder Clip(GoldenCase @case, string table, string name, IReadOnlyList<string> prefixes, bool isBundle)
    {
        using var written = @case.WriteWeights(table);
        using var file = WeightFile.Open(written.Path);
        var weights = NetworkGolden.Component(file, prefixes, ClipTextKeys.For);
        return NetworkGolden.Fill(new ClipTextEncoder(ClipTextConfig.Detect(weights, Config(@case, name, isBundle))), weights);
    }

    private static T5Encoder T5(GoldenCase @case, string table, bool isBundle)
    {
        using var written = @case.WriteWeights(table);
        using var file = WeightFile.Open(written.Path);
        var weights = NetworkGolden.Component(file, T5Keys.Prefixes, T5Keys.For);
        return NetworkGolden.Fill(new T5Encoder(T5Config.Detect(weights, Config(@case, "t5", isBundle))), weights);
    }
}
