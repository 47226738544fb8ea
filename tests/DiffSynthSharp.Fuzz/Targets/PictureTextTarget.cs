using DiffSynthSharp.Imaging;

namespace DiffSynthSharp.Fuzz.Targets;

/// <summary>The texts inside PNG, JPEG and WebP files, and what made the picture according to them.</summary>
internal sealed class PictureTextTarget : FuzzTarget
{
    public override string Name => "picture-text";

    // Compressed texts of a few bytes may be millions of letters long.
    public override long FixedBytes => 64 << 20;

    // A1111's line of values is matched with an expression that may take two seconds.
    public override TimeSpan Time => TimeSpan.FromSeconds(5);

    public override IReadOnlyList<string> Fixtures => [.. Enumerable.Range(0, 5).Select(i => $"goldens/image-ops/infotext-{i}.png")];

    public override IReadOnlyList<string> Words =>
        ["tEXt", "zTXt", "iTXt", "parameters\0", "prompt\0", "diffsynth\0", "invokeai_metadata\0", "sd-metadata\0", "Exif\0\0", "II*\0\u0008\0\0\0", "MM\0*\0\0\0\u0008", "UNICODE\0", "RIFF", "WEBPEXIF"];

    public override void Read(byte[] input)
    {
        foreach (var part in RecordReading.Parts(PictureTexts.Read(input.AsSpan()))) Attempt(part);
    }
}
