namespace DiffSynthSharp.Training.Drawings;

/// <summary>One object of a drawing.</summary>
/// <param name="Object">Index into <see cref="DrawingWorld.Objects"/>.</param>
/// <param name="Colour">Index into <see cref="DrawingWorld.Colours"/>.</param>
internal readonly record struct PlannedObject(int Object, int Colour)
{
    /// <summary>As captions say it: "red car".</summary>
    public string Words => $"{DrawingWorld.Colours[Colour].Name} {DrawingWorld.Objects[Object]}";
}

/// <summary>What a drawing shows and how its caption says so.</summary>
/// <param name="Objects">One, or two side by side from left to right.</param>
/// <param name="Scene">Index into <see cref="DrawingWorld.Scenes"/>.</param>
/// <param name="Caption">Exact, in lower case.</param>
/// <param name="JitterSeed">Decides places, sizes and shades.</param>
internal sealed record DrawingPlan(IReadOnlyList<PlannedObject> Objects, int Scene, string Caption, int JitterSeed)
{
    private const double TwoObjects = 0.25;
    private const double SceneUnsaid = 0.1;
    private const double Opened = 0.15;

    /// <summary>The plan of a number: the same number always gives the same drawing.</summary>
    public static DrawingPlan Of(long index)
    {
        var random = new Random(unchecked((int)(index * 2654435761L ^ (index >> 15))));
        var first = Draw(random);
        PlannedObject[] objects = random.NextDouble() < TwoObjects ? [first, Draw(random)] : [first];
        var scene = random.Next(DrawingWorld.Scenes.Count);
        var opening = random.NextDouble() < Opened ? DrawingWorld.Openings[random.Next(DrawingWorld.Openings.Count)] : "";
        var place = random.NextDouble() < SceneUnsaid ? "" : $" {DrawingWorld.Scenes[scene]}";
        return new(objects, scene, $"{opening}{string.Join(" and ", objects.Select(planned => $"{Article(planned)} {planned.Words}"))}{place}", random.Next());
    }

    private static PlannedObject Draw(Random random) => new(random.Next(DrawingWorld.Objects.Count), random.Next(DrawingWorld.Colours.Count));

    /// <summary>"an" before a vowel.</summary>
    public static string Article(PlannedObject planned) => planned.Words[0] is 'o' ? "an" : "a";
}
