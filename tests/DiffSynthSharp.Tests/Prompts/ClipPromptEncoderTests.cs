using DiffSynthSharp.Families;
using DiffSynthSharp.Models.TextEncoders;
using DiffSynthSharp.Prompts;
using DiffSynthSharp.Tests.Generation;
using DiffSynthSharp.Tests.Goldens;
using DiffSynthSharp.Tokenizers;
using DiffSynthSharp.Weights;
using static TorchSharp.torch;

namespace DiffSynthSharp.Tests.Prompts;

public sealed class ClipPromptEncoderTests : IDisposable
{
    private readonly TorchSharp.DisposeScope _scope = NewDisposeScope();
    private readonly ClipTextEncoder _network;
    private readonly ClipTokenizer _tokenizer = ClipTokenizer.Load(Path.Combine(TinyModel.Folder, "tokenizer"));
    private readonly ClipPromptEncoder _encoder;
    private readonly List<string> _said = [];

    public ClipPromptEncoderTests()
    {
        using var source = WeightSource.OpenFolder(Path.Combine(TinyModel.Folder, "text_encoder"));
        var weights = ComponentWeights.Find(source, "", ClipTextKeys.For)!;
        _network = NetworkGolden.Fill(new ClipTextEncoder(ClipTextConfig.Detect(weights.Shapes)), weights);
        _encoder = new(_network, _tokenizer, CPU);
    }

    public void Dispose()
    {
        _network.Dispose();
        _scope.Dispose();
    }

    [Theory]
    [InlineData("a red car parked by the sea", PromptSyntax.Weighted)]
    [InlineData("(a:1.3) [red] car", PromptSyntax.Plain)]
    [InlineData("", PromptSyntax.Weighted)]
    public void A_prompt_without_weights_keeps_its_bits(string text, PromptSyntax syntax)
    {
        foreach (var skip in new[] { 1, 2 })
        {
            var ids = _tokenizer.Rows(text).Rows;
            var input = tensor(ids.SelectMany(row => row).Select(id => (long)id).ToArray(), [ids.Count, 77]);
            var expected = _network.Norm(_network.forward(input).Hidden[^skip]).reshape(1, -1, _network.Config.Width);
            Assert.Equal(Values(expected), Values(_encoder.Encode(text, new() { Syntax = syntax, ClipSkip = skip }, _said.Add)));
        }
        Assert.Empty(_said);
    }

    [Fact]
    public void A_weight_acts_on_its_own_tokens_and_the_mean_comes_back()
    {
        var plain = _encoder.Encode("a red car", Weighted, _said.Add);
        var kept = _encoder.Encode("a (red:1.5) car", Weighted with { Mean = EmphasisMean.Kept }, _said.Add);
        var at = 1 + _tokenizer.Encode("a").Count;
        var red = _tokenizer.Encode("red").Count;
        for (var i = 0; i < 77; i++)
            Assert.Equal(Values(plain[0, i] * (i >= at && i < at + red ? 1.5f : 1f)), Values(kept[0, i]));
        var restored = _encoder.Encode("a (red:1.5) car", Weighted, _said.Add);
        Assert.Equal(plain.mean().item<float>(), restored.mean().item<float>(), 1e-6);
        Assert.NotEqual(Values(kept), Values(restored));
    }

    [Fact]
    public void Families_with_more_encoders_get_raw_states_and_the_first_rows_pooled_vector()
    {
        var reading = Weighted with { ClipSkip = 2, Mean = EmphasisMean.Kept };
        var (plain, pooled) = _encoder.EncodeWithPooled("a red car", reading, projects: true, _said.Add);
        var ids = Assert.Single(_tokenizer.Rows("a red car").Rows);
        var output = _network.forward(tensor(ids.Select(id => (long)id).ToArray(), [1, 77]));
        Assert.Equal(Values(output.Hidden[^2]), Values(plain));
        Assert.Equal(Values(output.Pooled), Values(pooled));
        var (weighted, same) = _encoder.EncodeWithPooled("a (red:1.5) car BREAK by the sea", reading, projects: false, _ => { });
        Assert.Equal([1, 154, _network.Config.Width], weighted.shape);
        Assert.Equal(Values(pooled), Values(same), (a, b) => Math.Abs(a - b) < 1e-4);
        Assert.Equal(Values(plain[0, 0]), Values(weighted[0, 0]), (a, b) => Math.Abs(a - b) < 1e-4);
        Assert.NotEqual(Values(plain), Values(weighted.narrow(1, 0, 77)));
    }

    [Fact]
    public void A_weight_of_zero_for_everything_gives_numbers()
        => Assert.True(_encoder.Encode(Long(100, "(", ":0)"), Weighted, _said.Add).isfinite().all().item<bool>());

    [Theory]
    [InlineData(LongPrompt.Rows)]
    [InlineData(LongPrompt.Chunks)]
    [InlineData(LongPrompt.Cut)]
    public void BREAK_begins_a_row_in_every_mode(LongPrompt mode)
    {
        var reading = Weighted with { LongPrompt = mode };
        var broken = _encoder.Encode("a red car BREAK by the sea", reading, _said.Add);
        Assert.Equal(Values(cat([_encoder.Encode("a red car", reading, _ => { }), _encoder.Encode("by the sea", reading, _ => { })], 1)), Values(broken), (a, b) => Math.Abs(a - b) < 1e-4);
        Assert.Equal($"The prompt has {Count("a red car") + Count("by the sea")} tokens and is encoded in 2 {(mode == LongPrompt.Chunks ? "chunks" : "rows")}.", Assert.Single(_said));
        Assert.Single(_encoder.Rows("a red car BREAK", reading, _ => { }).Ids);
        Assert.Equal(2, _encoder.Rows("BREAK a red car", reading, _ => { }).Ids.Count);
    }

    [Fact]
    public void Rows_have_one_begin_and_one_end_in_all_and_chunks_have_their_own()
    {
        var rows = _encoder.Rows(Long(93), Weighted, _said.Add).Ids;
        Assert.Equal(2, rows.Count);
        Assert.Equal(1, rows.SelectMany(row => row).Count(id => id == _tokenizer.BeginId));
        var chunks = _encoder.Rows(Long(93), Weighted with { LongPrompt = LongPrompt.Chunks }, _said.Add).Ids;
        Assert.All(chunks, chunk => Assert.Equal((_tokenizer.BeginId, _tokenizer.EndId, 77), (chunk[0], chunk[76], chunk.Length)));
        Assert.Equal(["The prompt has 93 tokens and is encoded in 2 rows.", "The prompt has 93 tokens and is encoded in 2 chunks."], _said);
        Assert.Single(_encoder.Rows(Long(75), Weighted with { LongPrompt = LongPrompt.Chunks }, _said.Add).Ids);
    }

    [Fact]
    public void A_cut_prompt_says_how_much_was_cut()
    {
        var rows = _encoder.Rows(Long(93), Weighted with { LongPrompt = LongPrompt.Cut, Name = "negative prompt" }, _said.Add);
        Assert.Equal(_tokenizer.EndId, Assert.Single(rows.Ids)[76]);
        Assert.Equal("The negative prompt has 93 tokens; the last 18 don't fit and were left out.", Assert.Single(_said));
    }

    [Theory]
    [InlineData(60, 60, 61)] // what stands behind a near comma moves on
    [InlineData(40, 75, 60)] // a comma too far away moves nothing
    public void Chunks_end_at_a_near_comma(int before, int kept, int moved)
    {
        var comma = Assert.Single(_tokenizer.Encode(","));
        var words = before == 60 ? (Before: 59, After: 76) : (Before: 39, After: 95);
        var text = $"{Long(words.Before)},{Long(words.After)}";
        var chunks = _encoder.Rows(text, Weighted with { LongPrompt = LongPrompt.Chunks }, _said.Add).Ids;
        var first = chunks[0].Skip(1).TakeWhile(id => id != _tokenizer.EndId).ToList();
        Assert.Equal(kept, first.Count);
        Assert.Equal(before == 60, first[^1] == comma);
        Assert.True(chunks[1].Skip(1).TakeWhile(id => id != _tokenizer.EndId).Count() >= moved);
    }

    [Fact]
    public void A_learned_word_takes_its_vectors_and_leaves_the_table_alone()
    {
        using var folder = new TemporaryFolder();
        // Vectors that are the table's own rows of a word must encode as that word does.
        var word = _tokenizer.Encode("car");
        var table = _network.get_parameter("text_model.embeddings.token_embedding.weight")!.index_select(0, tensor(word.Select(id => (long)id).ToArray()));
        SafetensorsWriter.Write(folder["vehicle.safetensors"], [("emb_params", table)]);
        using var embeddings = EmbeddingTable.Load([new(folder["vehicle.safetensors"])], _encoder.Vocabulary, _network.Config.Width, CPU);
        var reading = Weighted with { Embeddings = embeddings };
        Assert.Equal(Values(_encoder.Encode("a red (car:1.2) by the sea", Weighted, _said.Add)), Values(_encoder.Encode("a red (VEHICLE:1.2) by the sea", reading, _said.Add)));
        Assert.Equal(Values(_encoder.Encode("a red car", Weighted, _said.Add)), Values(_encoder.Encode("a red car", reading, _said.Add)));
        Assert.Empty(embeddings.Unused);
    }

    [Fact]
    public void A_weight_beyond_all_reason_is_refused()
        => Assert.Contains("too large", Assert.Throws<DiffSynthException>(() => _encoder.Rows($"(a:{new string('9', 40)})", Weighted, _said.Add)).Message);

    private static PromptReading Weighted { get; } = new() { Syntax = PromptSyntax.Weighted };

    private int Count(string text) => _tokenizer.Encode(text).Count;

    // So many tokens: single letters are one each in any vocabulary.
    private static string Long(int tokens, string before = "", string after = "") => before + string.Join(' ', Enumerable.Repeat("a", tokens)) + after;

    private static float[] Values(Tensor tensor) => tensor.contiguous().data<float>().ToArray();
}
