namespace DiffSynthSharp.Tests.Runtime;

public sealed class MessageTests
{
    [Theory]
    [InlineData("'a b.safetensors' is fine – 512×512 …", "'a b.safetensors' is fine – 512×512 …")]
    [InlineData("one\ntwo", "one\\u000atwo")]
    [InlineData("clear \u001b[2J", "clear \\u001b[2J")]
    [InlineData("hidden \u200b, turned \u202e", "hidden \\u200b, turned \\u202e")]
    public void A_message_stays_on_its_line(string message, string shown) => Assert.Equal(shown, new DiffSynthException(message).Message);

    [Fact]
    public void A_message_has_an_end()
    {
        var shown = new DiffSynthException($"begin {new string('x', 100_000)} end").Message;
        Assert.InRange(shown.Length, 1000, 2100);
        Assert.StartsWith("begin x", shown);
        Assert.EndsWith("x end", shown);
    }
}
