using DiffSynthSharp.Families;

namespace DiffSynthSharp.Generation;

/// <summary>Values of a request that some families read and others don't. One that nobody would read is refused, not left out in silence.</summary>
internal static class FamilyValues
{
    /// <param name="Name">The value, and the option that gives it.</param>
    /// <param name="Given">What was asked for; null for nothing.</param>
    /// <param name="IsRead">Whether a model reads it.</param>
    /// <param name="Why">Why a model doesn't, and what it takes instead.</param>
    /// <param name="Without">The request without it.</param>
    private sealed record Value(
        string Name, Func<GenerationRequest, object?> Given, Func<LoadedFamily, bool> IsRead, Func<LoadedFamily, string> Why, Func<GenerationRequest, GenerationRequest> Without);

    private static readonly Value[] s_values =
    [
        new("embedded guidance (--guidance-embedded)", request => request.EmbeddedGuidance, family => family.DefaultEmbeddedGuidance is not null,
            family => $"this {family.Name} model is told no guidance, as only distilled ones are; use --guidance", request => request with { EmbeddedGuidance = null }),
        new("cache threshold (--cache-threshold)", request => request.CacheThreshold, family => family.ChangePolynomial is not null,
            family => $"steps of {family.Name} can't be skipped, since how far they change a picture was not measured", request => request with { CacheThreshold = null }),
        new("skip-layer guidance (--skip-layers)", request => request.SkipLayers, family => family.SkippableBlocks > 0,
            family => $"{family.Name} has no blocks that it could leave out", request => request with { SkipLayers = null }),
        new("second prompt (--prompt-2)", request => request.SecondPrompt, family => family.ReadsSecondPrompt,
            family => $"this {family.Name} model has no T5 that would read it; CLIP reads the prompt", request => request with { SecondPrompt = null }),
        new("text length (--text-length)", request => request.TextLength, family => family.ReadsTextLength,
            family => WithoutT5(family.Name), request => request with { TextLength = null }),
        new("shift (--shift)", request => request.Shift, family => family.Scheduler.Flow is not null,
            family => $"{family.Name} was not trained by flow matching; use --schedule", request => request with { Shift = null }),
        new("clip skip (--clip-skip)", request => request.ClipSkip == 1 && (request.NegativeClipSkip ?? 1) == 1 ? null : (request.ClipSkip, request.NegativeClipSkip), family => family.AttendsToClip,
            NoStates, request => request with { ClipSkip = 1, NegativeClipSkip = null }),
        new("prompt in chunks (--long-prompt)", request => request.LongPrompt == LongPrompt.Chunks ? LongPrompt.Chunks : null, family => family.AttendsToClip,
            family => $"{NoStates(family)} of --text-length", request => request with { LongPrompt = LongPrompt.Rows }),
        new("mean that is kept (--emphasis)", request => request.EmphasisMean == EmphasisMean.Kept ? EmphasisMean.Kept : null, family => family.AttendsToClip,
            NoStates, request => request with { EmphasisMean = EmphasisMean.Restored }),
    ];

    /// <summary>What is wrong with a text length where T5 isn't.</summary>
    /// <param name="family">The family's name.</param>
    public static string WithoutT5(string family) => $"{family} has no T5; CLIP reads longer prompts in several rows (--long-prompt)";

    /// <summary>Makes sure that a model reads all that is asked for.</summary>
    /// <exception cref="DiffSynthException">It doesn't; the message says what it takes.</exception>
    public static void Check(GenerationRequest request, LoadedFamily family)
    {
        if (Unread(request, family).FirstOrDefault() is { } value) throw Unfit(value.Name, value.Why(family));
    }

    /// <summary>The error about a value that isn't read.</summary>
    public static DiffSynthException Unfit(string name, string why) => new($"The {name} can't be used: {why}.");

    /// <summary>A request without what was taken over from another picture and this model doesn't read.</summary>
    /// <param name="request">As it would be made.</param>
    /// <param name="carried">What the other picture asks for: a value that is another in <paramref name="request"/> stays, to be refused.</param>
    /// <param name="family">The model.</param>
    /// <param name="say">Takes a line for each value that is left out.</param>
    public static GenerationRequest Fitting(GenerationRequest request, GenerationRequest carried, LoadedFamily family, Action<string> say)
    {
        foreach (var value in Unread(request, family).Where(value => Equals(value.Given(request), value.Given(carried))).ToList())
        {
            say($"The picture's {value.Name} is left out: {value.Why(family)}.");
            request = value.Without(request);
        }
        return request;
    }

    private static IEnumerable<Value> Unread(GenerationRequest request, LoadedFamily family) => s_values.Where(value => value.Given(request) is not null && !value.IsRead(family));

    private static string NoStates(LoadedFamily family) => $"{family.Name} takes CLIP's summary alone, and T5 reads the prompt in one row";
}
