using System.Diagnostics;
using DiffSynthSharp.Prompts;

namespace DiffSynthSharp.Tests.Prompts;

public sealed class PromptSyntaxTests
{
    private static readonly string[] s_crumbs =
    [
        "(", ")", "[", "]", ":", "|", "\\", "<", ">", "=", " ", "\n", "a", "b", "1", ".5", "1.2", "-", "+", "e9", "AND", "BREAK", "_", ",", "lora", "水", "\ud83d", "\u001c",
    ];

    [Fact]
    public void Whatever_is_typed_is_read_or_refused_in_one_line_and_quickly()
    {
        var random = new Random(1);
        var clock = Stopwatch.StartNew();
        var (read, refused) = (0, 0);
        for (var i = 0; i < 20_000; i++)
        {
            var text = string.Concat(Enumerable.Range(0, random.Next(60)).Select(_ => s_crumbs[random.Next(s_crumbs.Length)]));
            try
            {
                ReadAll(text, 1 + random.Next(12));
                read++;
            }
            catch (DiffSynthException e)
            {
                Assert.DoesNotContain('\n', e.Message);
                refused++;
            }
        }
        Assert.Equal(20_000, read + refused);
        Assert.True(read > 19_000, $"{refused} of 20000 texts were refused.");
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(20), $"Reading took {clock.Elapsed}.");
    }

    [Theory]
    [InlineData("(")]
    [InlineData("[")]
    [InlineData("[a|")]
    [InlineData("(a:1.1)")]
    [InlineData(")")]
    [InlineData("[|]")]
    [InlineData("[a:b:0.5]")]
    [InlineData("<")]
    [InlineData("<a:")]
    [InlineData(":  ")]
    [InlineData(" BREAK ")]
    [InlineData(" AND ")]
    [InlineData("\\")]
    [InlineData(" ")]
    public void A_long_prompt_of_one_sign_takes_no_more_than_a_moment(string sign)
    {
        var clock = Stopwatch.StartNew();
        try
        {
            ReadAll(string.Concat(Enumerable.Repeat(sign, PromptCharacters.MaxLength / sign.Length)), 20);
        }
        catch (DiffSynthException e)
        {
            Assert.Contains("nested", e.Message);
        }
        Assert.True(clock.Elapsed < TimeSpan.FromSeconds(5), $"Reading took {clock.Elapsed}.");
    }

    [Fact]
    public void A_prompt_that_is_too_long_is_refused_with_its_length()
    {
        var text = new string('a', PromptCharacters.MaxLength + 1);
        foreach (var read in new Action[] { () => AttentionParser.Parse(text), () => PromptEditing.Schedule(text, new(20)), () => PromptComposition.Split(text), () => NetworkTags.Extract(text) })
            Assert.Contains("100,001 characters", Assert.Throws<DiffSynthException>(read).Message);
    }

    [Fact]
    public void A_weight_that_is_no_number_is_text()
        => Assert.Equal([new("a:1.2.3", 1.1), new(" b", 1)], AttentionParser.Parse("(a:1.2.3) b"));

    [Fact]
    public void BREAK_is_one_also_inside_brackets()
        => Assert.Equal([("a", false), ("BREAK", true), ("b", false)], AttentionParser.Parse("(a BREAK b:1.2)").Select(piece => (piece.Text, piece.IsBreak)));

    [Fact]
    public void A_bracket_that_is_no_rule_is_text_and_what_stands_in_it_still_counts()
    {
        Assert.Equal([(5, "[x b [c:d:e] y:0.5]"), (10, "[x c [c:d:e] y:0.5]")], PromptEditing.Schedule("[x [b:c:0.5] [c:d:e] y:0.5]", new(10)));
        Assert.Equal([(10, "[a:b:0.5] c|d")], PromptEditing.Schedule("[a:b:0.5] c|d", new(10)));
    }

    [Fact]
    public void A_prompt_is_laid_out_by_its_parts()
    {
        var parts = PromptSchedule.Of("a [b:c:2] AND d :0.5", PromptSyntax.Weighted, new(4));
        Assert.Equal([1, 0.5], parts.Select(part => part.Weight));
        Assert.Equal(["a b", "a b", "a c", "a c", "a c"], Enumerable.Range(0, 5).Select(parts[0].At));
        Assert.Equal(" d", parts[1].At(0));
    }

    [Fact]
    public void AND_is_text_in_a_negative_prompt_and_everything_is_in_a_plain_one()
    {
        Assert.Equal("a AND b", Assert.Single(PromptSchedule.Of("a AND b", PromptSyntax.Weighted, new(4), composes: false)).At(0));
        Assert.Equal("[a:b:0.5] AND c", Assert.Single(PromptSchedule.Of("[a:b:0.5] AND c", PromptSyntax.Plain, new(4))).At(3));
    }

    private static void ReadAll(string text, int steps)
    {
        var (prompt, _) = NetworkTags.Extract(text);
        foreach (var part in PromptSchedule.Of(prompt, PromptSyntax.Weighted, new(steps)))
            foreach (var (_, edited) in part.Texts) AttentionParser.Parse(edited);
        PromptEditing.Schedule(text, new(steps, 7, 1));
    }
}
