using System.Text.Json;
using DiffSynthSharp.Tokenizers;

namespace DiffSynthSharp.Tests.Tokenizers;

public sealed class ClipTokenizerTests : IDisposable
{
    private const int Cat = 513, Begin = 514, End = 515;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_word_is_merged_by_the_rules_and_case_does_not_matter()
    {
        TinyVocabulary.Write(_folder.Path);
        var tokenizer = ClipTokenizer.Load(_folder.Path);
        Assert.Equal([Cat, Cat], tokenizer.Encode("Cat  CAT"));
        Assert.Equal((Begin, End, End, 516), (tokenizer.BeginId, tokenizer.EndId, tokenizer.PadId, tokenizer.VocabularySize));
    }

    [Fact]
    public void A_special_token_in_the_text_is_its_id()
    {
        TinyVocabulary.Write(_folder.Path);
        Assert.Equal([Cat, End, Cat], ClipTokenizer.Load(_folder.Path).Encode("cat<|endoftext|>cat"));
    }

    [Fact]
    public void A_pad_token_named_by_the_folder_is_recognised_in_the_text()
    {
        TinyVocabulary.Write(_folder.Path);
        File.WriteAllText(_folder["special_tokens_map.json"], """{"pad_token": {"content": "!"}}""");
        var tokenizer = ClipTokenizer.Load(_folder.Path);
        Assert.Equal(0, tokenizer.PadId);
        Assert.Equal([Cat, 0], tokenizer.Encode("cat!"));
    }

    [Fact]
    public void A_pad_token_that_is_asked_for_goes_before_the_folders()
    {
        TinyVocabulary.Write(_folder.Path);
        File.WriteAllText(_folder["special_tokens_map.json"], """{"pad_token": "<|endoftext|>"}""");
        var tokenizer = ClipTokenizer.Load(_folder.Path, ClipTokenizer.PaddingOfClipG);
        Assert.Equal(0, tokenizer.PadId);
        Assert.Equal([Cat, 0, 0], tokenizer.Encode("cat!!"));
    }

    [Fact]
    public void An_added_token_is_recognised_in_the_text()
    {
        TinyVocabulary.Write(_folder.Path);
        File.WriteAllText(_folder["added_tokens.json"], """{"<my-cat>": 516}""");
        Assert.Equal([Cat, 516], ClipTokenizer.Load(_folder.Path).Encode("cat <my-cat>"));
    }

    [Fact]
    public void One_row_counts_what_it_cuts_and_rows_keep_everything()
    {
        TinyVocabulary.Write(_folder.Path);
        var tokenizer = ClipTokenizer.Load(_folder.Path);
        var prompt = string.Join(' ', Enumerable.Repeat("cat", 9));
        var one = tokenizer.OneRow(prompt, length: 8);
        Assert.Equal([Begin, Cat, Cat, Cat, Cat, Cat, Cat, End], Assert.Single(one.Rows));
        Assert.Equal(3, one.CutTokens);
        var rows = tokenizer.Rows(prompt, length: 8);
        Assert.Equal(0, rows.CutTokens);
        Assert.Equal([Begin, Cat, Cat, Cat, Cat, Cat, Cat, Cat], rows.Rows[0]);
        Assert.Equal([Cat, Cat, End, End, End, End, End, End], rows.Rows[1]);
    }

    [Fact]
    public void Tokenizer_json_alone_gives_the_same_ids()
    {
        var model = new { type = "BPE", vocab = JsonSerializer.Deserialize<JsonElement>(TinyVocabulary.Json()), merges = new[] { "c a", "ca t</w>" } };
        File.WriteAllText(_folder["tokenizer.json"], JsonSerializer.Serialize(new { model }));
        Assert.Equal([Cat], ClipTokenizer.Load(_folder.Path).Encode("cat"));
    }

    [Fact]
    public void A_rule_cut_in_half_at_the_end_of_the_file_is_no_rule()
    {
        TinyVocabulary.Write(_folder.Path, merges: TinyVocabulary.Merges + "o");
        Assert.Equal([Cat], ClipTokenizer.Load(_folder.Path).Encode("cat"));
    }

    [Theory]
    [InlineData("[1]", "where an object was expected")]
    [InlineData("{\"a\": 0", "not valid JSON")]
    [InlineData("{\"a\": 0, \"a\": 1}", "not valid JSON")]
    [InlineData("{\"a\": 0, \"b\": 0}", "gives the id 0 to both 'a' and 'b'")]
    [InlineData("{\"a\": -1}", "the id -1")]
    [InlineData("{\"a\": 99999999999}", "the id 99999999999")]
    [InlineData("{\"a\": \"0\"}", "the id \"0\"")]
    [InlineData("{\"a\": 0}", "'<|startoftext|>' as its special token")]
    public void A_malformed_vocabulary_is_refused_with_the_reason(string vocabulary, string reason)
    {
        TinyVocabulary.Write(_folder.Path, vocabulary);
        Assert.Contains(reason, Assert.Throws<DiffSynthException>(() => ClipTokenizer.Load(_folder.Path)).Message);
    }

    [Fact]
    public void A_rule_for_pieces_that_the_vocabulary_lacks_is_refused()
    {
        TinyVocabulary.Write(_folder.Path, merges: TinyVocabulary.Merges + "do g\n");
        Assert.Contains("does not fit together", Assert.Throws<DiffSynthException>(() => ClipTokenizer.Load(_folder.Path)).Message);
    }

    [Fact]
    public void A_file_too_large_for_a_tokenizer_is_refused_unread()
    {
        TinyVocabulary.Write(_folder.Path);
        using (var file = File.OpenWrite(_folder["vocab.json"])) file.SetLength(VocabularyFile.MaxBytes + 1L);
        Assert.Contains("Is it the right file?", Assert.Throws<DiffSynthException>(() => ClipTokenizer.Load(_folder.Path)).Message);
    }

    [Fact]
    public void An_endless_prompt_is_refused()
    {
        TinyVocabulary.Write(_folder.Path);
        Assert.Contains("100,000", Assert.Throws<DiffSynthException>(() => ClipTokenizer.Load(_folder.Path).Encode(new string('a', 100_001))).Message);
    }
}
