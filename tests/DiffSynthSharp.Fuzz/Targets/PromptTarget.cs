using DiffSynthSharp.Prompts;
using DiffSynthSharp.Tests;
using DiffSynthSharp.Tokenizers;

namespace DiffSynthSharp.Fuzz.Targets;

/// <summary>Prompts: weights, editing, AND, tags, learned words, and the rows of tokens that they become.</summary>
internal sealed class PromptTarget : FuzzTarget
{
    private const int RowLength = 77;

    private static readonly EditTimeline[] s_timelines = [new(20), new(7, 20, 1), new(1), new(10, BelowOneIsFraction: true)];
    private static readonly EmbeddingKeyword[] s_keywords = [new("easynegative", [1000, 1001]), new("cat_0", [1002]), new("-", [1003, 1004, 1005])];
    private static readonly Lazy<ClipTokenizer> s_tokenizer = new(() => ClipTokenizer.Load(Repository.Fixture("goldens/tokenizers-tiny/clip")));

    public override string Name => "prompt";

    public override int LongestInput => 1 << 12;

    public override long FixedBytes => 4 << 20;

    // A text for each of twenty steps, rows of 77 tokens that may hold one, each token a number and a weight.
    public override long BytesPerByte => 8192;

    public override IReadOnlyList<string> Words =>
        ["BREAK", " BREAK ", "AND", " AND ", "[a:b:0.5]", "[a|b]", "(a:1.2)", ":1.5)", "::", "<lora:x:0.8>", "<lora:x:te=1:unet=nan>", "\\(", "\\", "easynegative", "cat_0", "<|endoftext|>", "</w>", "&amp;", "\u00e2\u0082\u00ac", "\ud83d\ude00", "e-9", "1e400"];

    public override void Read(byte[] input)
    {
        var text = InputText.Of(input);
        Attempt(() => AttentionParser.Parse(text));
        Attempt(() => NetworkTags.Extract(text).Tags.ToList().ForEach(tag => Attempt(() => tag.Strengths())));
        foreach (var timeline in s_timelines)
            Attempt(() => PromptSchedule.Of(text, PromptSyntax.Weighted, timeline).ToList().ForEach(part => part.At(timeline.Steps - 1)));
        foreach (var mode in Enum.GetValues<LongPrompt>())
            Attempt(() => Check(PromptRows.Of(AttentionParser.Parse(text), s_tokenizer.Value, s_keywords, isPlain: false, mode, RowLength)));
        Attempt(() => Check(PromptRows.Of([new(text, 1)], s_tokenizer.Value, s_keywords, isPlain: true, LongPrompt.Rows, RowLength)));
    }

    private static void Check(PromptRows rows)
    {
        if (rows.Ids.Count == 0 || rows.Ids.Count != rows.Weights.Count || rows.Ids.Any(row => row.Length != RowLength) || rows.Weights.Any(row => row.Length != RowLength))
            throw new InvalidOperationException("A row of tokens has another length than it should.");
    }
}
