namespace DiffSynthSharp.Training.Drawings;

/// <summary>A named colour of the drawings.</summary>
/// <param name="Name">As captions say it.</param>
/// <param name="Red">0 … 255</param>
/// <param name="Green">0 … 255</param>
/// <param name="Blue">0 … 255</param>
internal readonly record struct DrawingColour(string Name, byte Red, byte Green, byte Blue);

/// <summary>The closed world of the drawings: what captions can say.</summary>
internal static class DrawingWorld
{
    /// <summary>Colours of objects, far enough from one another to be told apart by eye.</summary>
    public static IReadOnlyList<DrawingColour> Colours { get; } =
    [
        new("red", 214, 40, 40), new("orange", 245, 140, 20), new("yellow", 250, 215, 40), new("green", 50, 160, 60),
        new("blue", 40, 95, 215), new("purple", 130, 60, 175), new("pink", 250, 130, 190), new("white", 250, 250, 250),
    ];

    /// <summary>Things that can be drawn, each by <see cref="ObjectPainter"/>.</summary>
    public static IReadOnlyList<string> Objects { get; } =
        ["car", "house", "tree", "boat", "star", "heart", "circle", "square", "triangle", "flower", "fish", "cat"];

    /// <summary>Where they can be, each painted by <see cref="ScenePainter"/>; the phrase ends a caption.</summary>
    public static IReadOnlyList<string> Scenes { get; } =
        ["by the sea", "at sunset", "at night", "in the snow", "in a green field", "in the desert", "on a grey background", "on a black background"];

    /// <summary>Words that may open a caption; most have none.</summary>
    public static IReadOnlyList<string> Openings { get; } = ["a drawing of ", "a picture of "];
}
