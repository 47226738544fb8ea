using System.Text.Json;
using DiffSynthSharp.Imaging;
using static TorchSharp.torch;

namespace DiffSynthSharp.Tests.Goldens;

/// <summary>What is done to pictures before and after the networks, byte for byte where the reference counts in bytes.</summary>
internal sealed class ImageOpsRunner : IGoldenRunner
{
    public string Kind => "image-ops";

    public void Run(GoldenCase @case)
    {
        switch (@case.Name)
        {
            case "infotext":
                RecordedInfotexts.Check(@case.Folder.Path, Rows(@case));
                return;
            case "sizes":
                RecordedSizes.Sizes(Rows(@case));
                return;
            case "training-crops":
                RecordedSizes.TrainingCrops(Rows(@case));
                return;
        }
        using var tensors = @case.Tensors();
        switch (@case.Name.StartsWith("case-resize", StringComparison.Ordinal) ? "case-resize" : @case.Name)
        {
            case "case-resize":
                RecordedPictures.Resizes(tensors);
                break;
            case "case-convert":
                RecordedPictures.Conversions(tensors);
                break;
            case "case-crop":
                RecordedPictures.Crops(@case, tensors);
                break;
            case "case-pixels":
                RecordedPictures.PixelValues(@case, tensors);
                break;
            case "case-canny":
                RecordedEdges.Edges(tensors);
                break;
            case "case-canny-control":
                RecordedEdges.ControlPictures(@case, tensors);
                break;
            case "case-blur":
                RecordedMasks.Blurs(@case, tensors);
                break;
            case "case-latent-mask":
                RecordedMasks.LatentMasks(@case, tensors);
                break;
            case "case-tiles":
                RecordedTiles.Check(@case, tensors);
                break;
            default:
                throw new NotSupportedException($"No one checks '{@case.Name}'.");
        }
    }

    internal static PixelGrid Pixels(Tensor tensor) => new(
        (int)tensor.shape[1], (int)tensor.shape[0], tensor.shape.Length < 3 ? 1 : (int)tensor.shape[2], tensor.to(ScalarType.Byte).contiguous().data<byte>().ToArray());

    /// <summary>Equal but for a share of bytes, which differ by at most some levels.</summary>
    internal static void Close(string what, PixelGrid ours, Tensor expected, int levels = 0, double share = 1)
    {
        var theirs = Pixels(expected);
        Assert.Equal((what, theirs.Width, theirs.Height, theirs.Channels), (what, ours.Width, ours.Height, ours.Channels));
        var differences = ours.Bytes.Zip(theirs.Bytes, (a, b) => Math.Abs(a - b)).ToList();
        Assert.True(differences.Max() <= levels, $"{what}: {differences.Max()} levels, allowed {levels}; {differences.Count(d => d > levels)} bytes of {differences.Count}.");
        Assert.InRange(differences.Count(d => d > 0), 0, Math.Ceiling(share * differences.Count));
    }

    private static IEnumerable<JsonElement> Rows(GoldenCase @case)
        => JsonDocument.Parse(File.ReadAllBytes(@case.FilePath)).RootElement.GetProperty("rows").EnumerateArray();
}
