using System.Text.Json;
using DiffSynthSharp.Tokenizers;

namespace DiffSynthSharp.Tests.Tokenizers;

public sealed class T5TokenizerTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Words_become_the_most_probable_pieces()
    {
        var tokenizer = Tiny();
        Assert.Equal([TinyUnigram.Red, TinyUnigram.Car, TinyUnigram.Comma], tokenizer.Encode("red  car, "));
        Assert.Equal([TinyUnigram.Start, TinyUnigram.D, TinyUnigram.Re], tokenizer.Encode("dre"));
        Assert.Empty(tokenizer.Encode("  "));
        Assert.Equal((TinyUnigram.End, TinyUnigram.Pad, TinyUnigram.Unk, 109), (tokenizer.EndId, tokenizer.PadId, tokenizer.UnknownId, tokenizer.VocabularySize));
    }

    [Fact]
    public void Neighbours_that_no_piece_covers_are_one_unknown_token()
        => Assert.Equal([TinyUnigram.Red, TinyUnigram.Start, TinyUnigram.Unk, TinyUnigram.Comma, TinyUnigram.Unk], Tiny().Encode("red 猫🐈\ud800, 猫".Replace(", ", ",")));

    [Fact]
    public void A_text_may_go_on_with_a_word()
    {
        Assert.Equal([TinyUnigram.Start, TinyUnigram.Comma, TinyUnigram.Car], Tiny().Encode(", car"));
        Assert.Equal([TinyUnigram.Comma, TinyUnigram.Car], Tiny().Encode(", car", continuesWord: true));
        Assert.Equal([TinyUnigram.Car], Tiny().Encode(" car", continuesWord: true));
    }

    [Fact]
    public void Special_tokens_and_sentinels_are_found_as_they_stand()
    {
        Assert.Equal([TinyUnigram.Red, TinyUnigram.End, TinyUnigram.Car, 108, 9], Tiny().Encode("red</s>car<extra_id_0> <extra_id_99>"));
        File.WriteAllText(_folder["tokenizer_config.json"], """{"extra_ids": 2, "added_tokens_decoder": {"9": {"content": "<extra_id_1>", "lstrip": true, "rstrip": true}, "20": {"content": "<my>"}}}""");
        var configured = T5Tokenizer.Load(_folder.Path);
        Assert.Equal([TinyUnigram.Red, 9, TinyUnigram.Car, 10, 20], configured.Encode("red <extra_id_1> car<extra_id_0><my>"));
        Assert.Equal(21, configured.VocabularySize);
    }

    [Fact]
    public void A_row_is_cut_before_the_end_token_and_counts_what_it_cuts()
    {
        var row = Tiny().Row("red car red car", 3);
        Assert.Equal([TinyUnigram.Red, TinyUnigram.Car, TinyUnigram.End], row.Ids);
        Assert.Equal(2, row.CutTokens);
        Assert.Equal([TinyUnigram.Red, TinyUnigram.End, TinyUnigram.Pad, TinyUnigram.Pad], Tiny().Row("red", 4).Ids);
        Assert.Equal([TinyUnigram.End], Tiny().Row("red", 1).Ids);
    }

    [Fact]
    public void Tokenizer_json_alone_gives_the_same_ids()
    {
        var expected = Tiny().Encode("red car, dre 猫</s>");
        File.Delete(_folder["spiece.model"]);
        var vocabulary = TinyUnigram.Pieces.Select(piece => new object[] { piece.Text, piece.Score }).ToArray();
        var added = TinyUnigram.Pieces.Take(3).Select((piece, id) => new { id, content = piece.Text }).ToArray();
        File.WriteAllText(_folder["tokenizer.json"], JsonSerializer.Serialize(new { model = new { type = "Unigram", unk_id = 2, vocab = vocabulary }, added_tokens = added }));
        Assert.Equal(expected, T5Tokenizer.Load(_folder.Path).Encode("red car, dre 猫</s>"));
    }

    [Theory]
    [InlineData("""{"model": {"type": "BPE", "vocab": {}, "merges": []}}""", "no unigram tokenizer")]
    [InlineData("""{"model": {"type": "Unigram", "unk_id": 0, "vocab": [["a"]]}}""", "no pair of text and score")]
    [InlineData("""{"model": {"type": "Unigram", "unk_id": 7, "vocab": [["a", 0]]}}""", "names none of them as the unknown one")]
    [InlineData("""{"model": {"type": "Unigram", "unk_id": 0, "vocab": [["a", 0], ["a", 1]]}}""", "the piece 'a' twice")]
    [InlineData("""{"model": {"type": "Unigram", "unk_id": 0, "vocab": [["a", 0]]}}""", "lacks '</s>'")]
    [InlineData("""{"model": {"type": "Unigram", "unk_id": 0, "vocab": [["a", 0]]}, "normalizer": {"precompiled_charsmap": "?"}}""", "no base64")]
    public void A_malformed_tokenizer_json_is_refused_with_the_reason(string json, string reason)
    {
        File.WriteAllText(_folder["tokenizer.json"], json);
        Assert.Contains(reason, Assert.Throws<DiffSynthException>(() => T5Tokenizer.Load(_folder.Path)).Message);
    }

    [Fact]
    public void A_malformed_model_is_refused_with_the_reason()
    {
        string Reason(IEnumerable<(string, float, int)>? pieces = null, int kind = 1, byte[]? rules = null)
        {
            TinyUnigram.Write(_folder.Path, pieces, kind, rules);
            return Assert.Throws<DiffSynthException>(() => T5Tokenizer.Load(_folder.Path)).Message;
        }

        Assert.Contains("of kind 2", Reason(kind: 2));
        Assert.Contains("a normalisation table of", Reason(rules: [255, 255, 0, 0, 1]));
        Assert.Contains("score NaN", Reason([.. TinyUnigram.Pieces, ("x", float.NaN, 1)]));
        Assert.Contains("300 letters", Reason([.. TinyUnigram.Pieces, (new string('x', 300), 0, 1)]));
        Assert.Contains("names none of them", Reason(TinyUnigram.Pieces.Where(piece => piece.Type != TinyUnigram.Unknown)));
        Assert.Contains("holds no T5 tokenizer", Assert.Throws<DiffSynthException>(() => T5Tokenizer.Load(_folder["nowhere"])).Message);
    }

    [Fact]
    public void A_damaged_model_is_read_or_refused()
    {
        var original = File.ReadAllBytes(Repository.Fixture("goldens/tokenizers-tiny/t5/spiece.model"));
        var random = new Random(5);
        for (var i = 0; i < 200; i++)
        {
            var copy = original[..(i % 4 == 0 ? random.Next(original.Length) : original.Length)];
            // Most of the file is the normalisation; the pieces and the sizes stand at the start and at the end.
            for (var n = 0; n < 8 && copy.Length > 0; n++) copy[random.Next(2) == 0 ? random.Next(Math.Min(copy.Length, 4000)) : random.Next(copy.Length)] = (byte)random.Next(256);
            File.WriteAllBytes(_folder["spiece.model"], copy);
            try
            {
                T5Tokenizer.Load(_folder.Path).Encode("A red ｃａｒ, ﬁne, 猫 e\u0301 \u00bd by the sea");
            }
            catch (DiffSynthException)
            {
            }
        }
    }

    [Fact]
    public void An_endless_prompt_is_refused()
        => Assert.Contains("100,000", Assert.Throws<DiffSynthException>(() => Tiny().Encode(new string('a', 100_001))).Message);

    private T5Tokenizer Tiny()
    {
        TinyUnigram.Write(_folder.Path);
        return T5Tokenizer.Load(_folder.Path);
    }
}
