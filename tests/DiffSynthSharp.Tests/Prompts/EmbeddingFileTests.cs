using DiffSynthSharp.Prompts;
using DiffSynthSharp.Weights;
using static TorchSharp.torch;

namespace DiffSynthSharp.Tests.Prompts;

public sealed class EmbeddingFileTests : IDisposable
{
    private const int Width = 8;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_keyword_is_the_users_then_the_tensors_then_the_files()
    {
        Assert.Equal("mine", Keyword(Write("a.safetensors", ("<ink>", ones(Width))), "mine"));
        Assert.Equal("<ink>", Keyword(Write("a.safetensors", ("<ink>", ones(Width)))));
        Assert.Equal("My Style-v1.3", Keyword(Write("My Style-v1.3.safetensors", ("emb_params", ones(2, Width)))));
    }

    [Theory]
    [InlineData("textual-inversion.pt")]
    [InlineData("textual-inversion-old.pt")]
    public void Files_of_A1111_are_read(string name)
    {
        var path = Path.Combine(Repository.Root, "tests", "Fixtures", "goldens", "checkpoint-files", name);
        using var read = EmbeddingFile.Read(path, 128);
        Assert.Equal(Path.GetFileNameWithoutExtension(name), read.Keyword);
        Assert.Equal([3, 128], read.Vectors.shape);
    }

    [Fact]
    public void Half_precision_becomes_float32()
    {
        using var read = EmbeddingFile.Read(Write("a.safetensors", ("emb_params", full([2, Width], 0.5, float16))), Width);
        Assert.Equal(ScalarType.Float32, read.Vectors.dtype);
        Assert.Equal(Enumerable.Repeat(0.5f, 2 * Width), read.Vectors.data<float>().ToArray());
    }

    [Fact]
    public void What_does_not_fit_is_refused_in_one_line_with_file_found_and_expected()
    {
        var wide = Write("wide.safetensors", ("emb_params", ones(2, 12)));
        Assert.Equal($"The embedding '{wide}' has vectors of width 12, but this model's text encoder has a width of 8: it was made for another family.", Refused(wide));
        Assert.Contains("SDXL", Refused(Write("xl.safetensors", ("clip_l", ones(2, Width)), ("clip_g", ones(2, 12)))));
        Assert.Contains("has 2 tensors (<a>, <b>)", Refused(Write("two.safetensors", ("<a>", ones(Width)), ("<b>", ones(Width)))));
        Assert.Contains("[1, 2, 8]", Refused(Write("deep.safetensors", ("emb_params", ones(1, 2, Width)))));
        Assert.Contains("no numbers", Refused(Write("nan.safetensors", ("emb_params", full([1, Width], double.NaN)))));
        Assert.Contains("2,000 vectors", Refused(Write("many.safetensors", ("emb_params", ones(2000, Width)))));
        Assert.Contains("0 vectors", Refused(Write("none.safetensors", ("emb_params", ones(0, Width)))));
        Assert.Contains("no tensor of floating-point", Refused(Write("whole.safetensors", ("emb_params", ones(1, Width, dtype: int64)))));
        Assert.Contains("no keyword", Assert.Throws<DiffSynthException>(() => EmbeddingFile.Read(Write("a.safetensors", ("emb_params", ones(Width))), Width, " ")).Message);
    }

    [Fact]
    public void Ids_follow_the_vocabulary_in_the_order_of_loading()
    {
        using var table = EmbeddingTable.Load([new(Write("one.safetensors", ("emb_params", ones(2, Width)))), new(Write("b.safetensors", ("<two>", ones(Width))))], 100, Width, CPU);
        Assert.Equal([("one", 100), ("<two>", 102)], table.Keywords.Select(keyword => (keyword.Word, keyword.Ids[0])));
        Assert.Equal([3, Width], table.Vectors!.shape);
        table.Note([[1, 101, 5]]);
        Assert.Equal(["<two>"], table.Unused);
    }

    [Fact]
    public void Two_embeddings_of_one_keyword_are_refused()
    {
        var file = Write("Same.safetensors", ("emb_params", ones(Width)));
        Assert.Contains("keyword 'Same'", Assert.Throws<DiffSynthException>(() => EmbeddingTable.Load([new(file), new(file) { Keyword = "same" }], 100, Width, CPU)).Message);
    }

    [Theory]
    [InlineData("a bad-hands, cat", "a |<bad-hands>|, cat")]
    [InlineData("Bad-Hands", "<Bad-Hands>")]
    [InlineData("abad-hands bad_hands bad-handsy", "abad-hands bad_hands |<bad>|-handsy")]
    [InlineData("bad-hands bad", "<bad-hands>| |<bad>")]
    [InlineData("<ink><ink>", "<<ink>>|<<ink>>")]
    [InlineData("x<ink>y", "x|<<ink>>|y")]
    public void In_weighted_prompts_keywords_are_words_and_the_longest_wins(string text, string expected)
    {
        EmbeddingKeyword[] keywords = [new("bad", [100]), new("bad-hands", [101, 102]), new("<ink>", [103])];
        var pieces = EmbeddingKeywords.Split(text, keywords, isPlain: false).Select(piece => piece.Ids.Count > 0 ? $"<{piece.Text}>" : piece.Text);
        Assert.Equal(expected.Replace("<Bad-Hands>", "<bad-hands>"), string.Join('|', pieces));
    }

    [Fact]
    public void In_plain_prompts_keywords_are_found_inside_words()
        => Assert.Equal([" x", "100", " ", "101", " y"], EmbeddingKeywords.Split(" xbady", [new("bad", [100, 101])], isPlain: true)
            .Select(piece => piece.Ids.Count > 0 ? $"{piece.Ids[0]}" : piece.Text == " x " ? " x" : piece.Text));

    [Fact]
    public void A_prompt_that_keywords_make_too_long_is_refused()
        => Assert.Contains("keyword 'a'", Assert.Throws<DiffSynthException>(() => EmbeddingKeywords.Expand(new string('a', 100_000), [("a", 1024)])).Message);

    private static string Keyword(string path, string? given = null)
    {
        using var read = EmbeddingFile.Read(path, Width, given);
        return read.Keyword;
    }

    private static string Refused(string path) => Assert.Throws<DiffSynthException>(() => EmbeddingFile.Read(path, Width)).Message;

    private string Write(string name, params (string, Tensor)[] tensors)
    {
        SafetensorsWriter.Write(_folder[name], tensors);
        return _folder[name];
    }
}
