using DiffSynthSharp.Families;
using DiffSynthSharp.Models.TextEncoders;
using DiffSynthSharp.Tests.Goldens;
using DiffSynthSharp.Tokenizers;
using DiffSynthSharp.Weights;
using static TorchSharp.torch;

namespace DiffSynthSharp.Tests.Prompts;

public sealed class T5PromptEncoderTests : IDisposable
{
    private const int Length = 24;

    private readonly TorchSharp.DisposeScope _scope = NewDisposeScope();
    private readonly T5Tokenizer _tokenizer = T5Tokenizer.Load(Repository.Fixture("goldens/tokenizers-tiny/t5"));
    private readonly T5Encoder _network;
    private readonly T5PromptEncoder _encoder;
    private readonly List<string> _said = [];

    public T5PromptEncoderTests()
    {
        using var written = new TemporaryFile(".safetensors");
        SyntheticWeights.Write(written.Path, "dev", [Repository.Fixture("goldens/sd3-text/weights.text_encoder_3.tsv")]);
        using var file = WeightFile.Open(written.Path);
        var weights = NetworkGolden.Component(file, T5Keys.Prefixes, T5Keys.For);
        _network = NetworkGolden.Fill(new T5Encoder(T5Config.Detect(weights)), weights);
        _encoder = new(_network, _tokenizer, CPU);
    }

    public void Dispose()
    {
        _network.Dispose();
        _scope.Dispose();
    }

    private static PromptReading Weighted { get; } = new() { Syntax = PromptSyntax.Weighted };

    [Theory]
    [InlineData("a red car parked by the sea", PromptSyntax.Weighted, "a red car parked by the sea")]
    [InlineData("a red car BREAK by the sea", PromptSyntax.Weighted, "a red car by the sea")]
    [InlineData("a \\(red\\) car", PromptSyntax.Weighted, "a (red) car")]
    [InlineData("a (red:1.3) car", PromptSyntax.Plain, "a (red:1.3) car")]
    [InlineData("", PromptSyntax.Weighted, "")]
    public void A_prompt_without_weights_is_what_the_tokenizer_makes_of_it(string text, PromptSyntax syntax, string meant)
    {
        Assert.Equal(Values(States(meant)), Values(_encoder.Encode(text, new() { Syntax = syntax }, Length, _said.Add)));
        Assert.Empty(_said);
    }

    [Fact]
    public void A_weight_draws_its_own_tokens_from_the_empty_texts_states()
    {
        var (plain, empty) = (States("a red, car"), States(""));
        var (first, count) = (_tokenizer.Encode("a").Count, _tokenizer.Encode("red").Count);
        var weighted = _encoder.Encode("a (red:1.5), car", Weighted, Length, _said.Add);
        var gone = _encoder.Encode("a (red:0), car", Weighted, Length, _said.Add);
        for (var i = 0; i < Length; i++)
        {
            var isRed = i >= first && i < first + count;
            Assert.Equal(Values(isRed ? empty[0, i] + (plain[0, i] - empty[0, i]) * 1.5f : plain[0, i]), Values(weighted[0, i]));
            Assert.Equal(Values(isRed ? empty[0, i] : plain[0, i]), Values(gone[0, i]));
        }
    }

    [Fact]
    public void What_does_not_fit_is_cut_and_said()
    {
        var tokens = _tokenizer.Encode("a red car by the sea").Count;
        var cut = _encoder.Encode("a red (car by the sea:1.2)", Weighted with { Name = "negative prompt" }, 4, _said.Add);
        Assert.Equal([1, 4, _network.Config.Width], cut.shape);
        Assert.Equal($"The negative prompt has {tokens} tokens for T5, of which 3 fit the text length of 4; the last {tokens - 3} were left out.", Assert.Single(_said));
        Assert.Equal(Values(States("", 1)), Values(_encoder.Encode("(red:2)", Weighted, 1, _ => { })));
    }

    [Fact]
    public void A_length_without_room_and_a_tokenizer_of_another_model_are_refused()
    {
        Assert.Contains("text length of 0", Assert.Throws<DiffSynthException>(() => _encoder.Encode("a", Weighted, 0, _said.Add)).Message);
        using var small = new T5Encoder(_network.Config with { Vocabulary = 4 });
        Assert.Contains("belongs to another model", Assert.Throws<DiffSynthException>(() => new T5PromptEncoder(small, _tokenizer, CPU).Encode("a red car", Weighted, Length, _said.Add)).Message);
    }

    private Tensor States(string text, int length = Length) => _network.forward(tensor(_tokenizer.Row(text, length).Ids.Select(id => (long)id).ToArray(), [1, length]));

    private static float[] Values(Tensor tensor) => tensor.contiguous().data<float>().ToArray();
}
