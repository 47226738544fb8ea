namespace DiffSynthSharp.Fuzz.Targets;

/// <summary>Reads a picture's texts as every program's. No file that they name is opened.</summary>
internal static class RecordReading
{
    private static readonly string[] s_withPictures = ["init", "mask", "regions", "controls"];

    /// <summary>Each way of reading the texts, to be tried by itself.</summary>
    public static IReadOnlyList<Action> Parts(IReadOnlyDictionary<string, string> texts) =>
    [
        () => ForeignRecord.Read(texts, "picture.png"),
        () => PictureRecord.Read(texts, "picture.png")?.ToRequest(null, s_withPictures),
        () => _ = PictureRecord.Read(texts, "picture.png") is { } record ? (record.Strength, record.Loading) : default,
    ];
}
