using DiffSynthSharp.Tests;
using DiffSynthSharp.Tokenizers;
using DiffSynthSharp.Training.Drawings;
using DiffSynthSharp.Training.FromScratch;

namespace DiffSynthSharp.Training.Tests.FromScratch;

public sealed class StarterVocabularyTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly StarterVocabulary _vocabulary = new();
    private readonly ClipTokenizer _tokenizer;

    public StarterVocabularyTests()
    {
        _vocabulary.Write(_folder.Path);
        _tokenizer = ClipTokenizer.Load(_folder.Path);
    }

    [Fact]
    public void Every_word_of_the_captions_is_one_token()
    {
        foreach (var word in StarterVocabulary.Words()) Assert.Single(_tokenizer.Encode(word));
    }

    [Fact]
    public void The_rows_trained_on_are_those_the_tokenizer_gives()
    {
        for (var i = 0; i < 200; i++)
        {
            var caption = DrawingPlan.Of(i).Caption;
            Assert.Equal(_vocabulary.Row(caption), _tokenizer.OneRow(caption).Rows[0].Select(id => (long)id));
        }
        Assert.Equal(_vocabulary.Row(""), _tokenizer.OneRow("").Rows[0].Select(id => (long)id));
    }

    [Fact]
    public void Words_never_seen_fall_back_to_bytes()
    {
        var ids = _tokenizer.Encode("zeppelin été");
        Assert.True(ids.Count > 2);
        Assert.All(ids, id => Assert.InRange(id, 0, _vocabulary.Start - 1));
    }

    public void Dispose() => _folder.Dispose();
}
