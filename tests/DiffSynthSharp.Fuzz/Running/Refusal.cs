namespace DiffSynthSharp.Fuzz;

/// <summary>What is demanded of an error that a user will read.</summary>
public static class Refusal
{
    private const int LongestMessage = 13000;

    /// <exception cref="UnfitMessageException">The message is very long, or holds line breaks or signs that steer a terminal.</exception>
    public static void Check(DiffSynthException refusal)
    {
        if (refusal.Message.Length > LongestMessage) throw new UnfitMessageException($"A message of {refusal.Message.Length} letters", refusal);
        if (refusal.Message.FirstOrDefault(char.IsControl) is not '\0' and var sign) throw new UnfitMessageException($"A message with the sign U+{(int)sign:x4}", refusal);
    }
}

/// <summary>A message that is not fit to be shown.</summary>
/// <param name="what">What is wrong with it.</param>
/// <param name="refusal">The error.</param>
public sealed class UnfitMessageException(string what, DiffSynthException refusal) : Exception($"{what}: {refusal.Message}", refusal);
