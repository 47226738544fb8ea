using System.Text;

namespace DiffSynthSharp.Fuzz.Targets;

/// <summary>What programs write into pictures: the input is a line with the text's keyword, then the text.</summary>
internal sealed class PictureRecordTarget : FuzzTarget
{
    private const int LongestKeyword = 80;

    public override string Name => "picture-record";

    public override int LongestInput => 1 << 13;

    public override long BytesPerByte => 256;

    public override TimeSpan Time => TimeSpan.FromSeconds(5);

    public override IReadOnlyList<string> Words =>
    [
        "parameters\n", "prompt\n", "diffsynth\n", "invokeai_metadata\n", "sd-metadata\n", "\"sui_image_params\":", "Negative prompt: ", "\nSteps: 20, Sampler: Euler a, Seed: 1, Size: 512x512",
        "First pass size: 0x0", "Hires upscale: 2", "Hires resize: 0x1024", "Hypernet: x", "Schedule type: Karras", "\"class_type\":\"KSampler\",\"inputs\":{", "[\"1\",0]", "CLIPTextEncode", "LatentUpscaleBy", "EmptyLatentImage",
        "\"image\":{\"prompt\":", "1e308", "-1", "null", "\\ud800", "<lora:a:1>", "\"scheduler\":\"", "\"strength\":",
    ];

    public override void Read(byte[] input)
    {
        var end = input.AsSpan(0, Math.Min(input.Length, LongestKeyword)).IndexOf((byte)'\n');
        if (end < 1) return;
        var texts = new Dictionary<string, string> { [Encoding.Latin1.GetString(input, 0, end)] = Encoding.UTF8.GetString(input.AsSpan(end + 1)) };
        foreach (var part in RecordReading.Parts(texts)) Attempt(part);
    }
}
