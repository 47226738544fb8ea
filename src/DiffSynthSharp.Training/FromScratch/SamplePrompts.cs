using DiffSynthSharp.Training.Drawings;

namespace DiffSynthSharp.Training.FromScratch;

/// <summary>A prompt whose picture can be judged.</summary>
/// <param name="Text">The prompt.</param>
/// <param name="Objects">What must be in the picture.</param>
internal sealed record JudgedPrompt(string Text, IReadOnlyList<PlannedObject> Objects);

/// <summary>The fixed prompts by which a model is looked at and measured.</summary>
internal static class SamplePrompts
{
    /// <summary>Prompts of the sample sheet, six in a row.</summary>
    public static IReadOnlyList<string> Sheet { get; } =
    [
        "a red car by the sea", "a yellow star at night", "a green tree in a green field",
        "a blue house in the snow", "an orange cat on a grey background", "a white boat at sunset",
        "a pink flower in the desert", "a purple fish on a black background", "a red heart on a grey background",
        "a blue circle in the desert", "a yellow square at sunset", "a green triangle in the snow",
        "a white car at night", "an orange house in a green field", "a red fish by the sea",
        "a blue cat", "a red car and a blue house in a green field", "a yellow star and a pink heart at night",
    ];

    /// <summary>Prompts with one object each, covering objects, colours and scenes evenly.</summary>
    /// <param name="count">How many.</param>
    public static IReadOnlyList<JudgedPrompt> Single(int count) => [.. Enumerable.Range(0, count).Select(i =>
    {
        var planned = new PlannedObject(i % DrawingWorld.Objects.Count, (i / DrawingWorld.Objects.Count + i) % DrawingWorld.Colours.Count);
        return new JudgedPrompt($"{Say(planned)} {DrawingWorld.Scenes[(i / 7 + 3 * i) % DrawingWorld.Scenes.Count]}", [planned]);
    })];

    /// <summary>Prompts with two different objects side by side.</summary>
    /// <param name="count">How many.</param>
    public static IReadOnlyList<JudgedPrompt> Pairs(int count) => [.. Enumerable.Range(0, count).Select(i =>
    {
        var left = new PlannedObject(i % DrawingWorld.Objects.Count, i * 3 % DrawingWorld.Colours.Count);
        var other = i * 5 + 1 + i / DrawingWorld.Objects.Count;
        var right = new PlannedObject(other % DrawingWorld.Objects.Count, (i * 3 + 1 + i / 8) % DrawingWorld.Colours.Count);
        return new JudgedPrompt($"{Say(left)} and {Say(right)} {DrawingWorld.Scenes[i % DrawingWorld.Scenes.Count]}", [left, right]);
    })];

    private static string Say(PlannedObject planned) => $"{DrawingPlan.Article(planned)} {planned.Words}";
}
