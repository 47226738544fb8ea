using DiffSynthSharp.Imaging;
using DiffSynthSharp.Layers;
using DiffSynthSharp.Memory;
using DiffSynthSharp.Models.Upscalers;
using DiffSynthSharp.Runtime;
using DiffSynthSharp.Weights;
using static TorchSharp.torch;

namespace DiffSynthSharp;

/// <summary>An ESRGAN network that makes pictures larger, tile by tile, so that memory does not grow with the picture.</summary>
/// <example>
/// <code>
/// using var upscaler = Upscaler.Load("RealESRGAN_x4plus.pth");
/// upscaler.Upscale(Picture.Load("small.png")).Save("large.png");
/// </code>
/// </example>
/// <remarks>xinntao/Real-ESRGAN, realesrgan/utils.py, RealESRGANer (<c>tile_process</c>). Not thread-safe: one job at a time.</remarks>
public sealed class Upscaler : IDisposable
{
    /// <summary>Pixels along a tile's side; about 1 GB for the published 64-channel networks that enlarge four times.</summary>
    public const int DefaultTile = 192;

    /// <summary>Pixels around a tile that the network sees beyond it.</summary>
    public const int DefaultPad = 16;

    private readonly RrdbNet _network;
    private readonly Device _device;

    private Upscaler(RrdbNet network, Device device) => (_network, _device) = (network, device);

    /// <summary>How many times larger a picture's sides become.</summary>
    public int Scale => _network.Config.Scale;

    /// <summary>Loads an ESRGAN or Real-ESRGAN file; sizes and scale follow from it.</summary>
    /// <param name="path">A <c>.pth</c> or <c>.safetensors</c> file.</param>
    /// <param name="device">"cpu", "cuda" or "cuda:N".</param>
    /// <param name="threads">Threads of libtorch's operators, for the whole process; null leaves them as they are.</param>
    /// <param name="cancellation">Stops between two tensors.</param>
    /// <exception cref="DiffSynthException">The file is missing, damaged or of another kind.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static Upscaler Load(string path, string device = "cpu", int? threads = null, CancellationToken cancellation = default)
    {
        using var source = WeightSource.OpenFile(path);
        TorchRuntime.EnsureLoaded();
        ThreadCount.Use(threads);
        var place = DeviceChoice.Parse(device);
        using var stop = BlockBorder.StopWith(cancellation);
        using var scope = NewDisposeScope();
        var network = NetworkFile.TryLoad(source, RrdbKeys.Prefixes, RrdbKeys.For, Create, "upscaler", place)
            ?? throw new DiffSynthException($"'{path}' is no ESRGAN upscaler. Its {source.Entries.Count} tensors begin with '{OneLine.Of(source.Entries.Keys.First())}'; "
                + "expected names of RealESRGAN_x4plus or of ESRGAN ('conv_first', 'model.0').");
        return new Upscaler(network, place);
    }

    /// <summary>The picture, <see cref="Scale"/> times larger.</summary>
    /// <param name="picture">Of any size whose result has at most <see cref="Picture.MaxPixels"/> pixels.</param>
    /// <param name="tile">Pixels along a tile's side; 0 takes the whole picture at once.</param>
    /// <param name="pad">Pixels around a tile that the network sees too; the more, the less a tile's border can show.</param>
    /// <param name="progress">Told (tiles done, tiles in all), on this thread.</param>
    /// <param name="cancellation">Stops at the network's next block.</param>
    /// <exception cref="DiffSynthException">The result would be too large, or tile or pad is negative.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public Picture Upscale(
        Picture picture, int tile = DefaultTile, int pad = DefaultPad, IProgress<(int Done, int Total)>? progress = null, CancellationToken cancellation = default)
    {
        if (tile < 0 || pad < 0) throw new DiffSynthException($"A tile of {tile} pixels with {pad} around it doesn't fit: expected 0 or more of both.");
        long width = (long)picture.Width * Scale, height = (long)picture.Height * Scale;
        if (width * height > Picture.MaxPixels)
            throw new DiffSynthException($"{picture.Width}x{picture.Height} pixels become {width}x{height}, more than the {Picture.MaxPixels:N0} that a picture may have. Make it smaller first.");
        var rgb = new byte[3 * width * height];
        using var inference = inference_mode(true);
        using var stop = BlockBorder.StopWith(cancellation);
        using var scope = NewDisposeScope();
        Run(picture.ToHint(), tile, pad, progress, (top, left, larger) => Write(larger, rgb, (int)width, top, left));
        return new Picture((int)width, (int)height, rgb);
    }

    /// <summary>Runs the network tile by tile; every tile is handed over with its place in the larger picture.</summary>
    /// <param name="pixels">(1, 3, H, W) in 0 … 1</param>
    /// <param name="tile">As in <see cref="Upscale"/>.</param>
    /// <param name="pad">As in <see cref="Upscale"/>.</param>
    /// <param name="progress">As in <see cref="Upscale"/>.</param>
    /// <param name="place">Takes top, left and the tile (1, 3, h, w) without its padding, which lives until it returns.</param>
    internal void Run(Tensor pixels, int tile, int pad, IProgress<(int Done, int Total)>? progress, Action<long, long, Tensor> place)
    {
        long height = pixels.shape[2], width = pixels.shape[3], side = tile == 0 ? Math.Max(height, width) : tile;
        var (done, total) = (0, (int)(((height + side - 1) / side) * ((width + side - 1) / side)));
        progress?.Report((done, total));
        var previous = (0L, 0L);
        for (var top = 0L; top < height; top += side)
            for (var left = 0L; left < width; left += side)
            {
                using var scope = NewDisposeScope();
                long first = Math.Max(top - pad, 0), end = Math.Min(top + side + pad, height), start = Math.Max(left - pad, 0), stop = Math.Min(left + side + pad, width);
                if (previous != (end - first, stop - start)) CachingAllocator.Trim(); // blocks of another tile's size would only lie there
                previous = (end - first, stop - start);
                var larger = _network.forward(pixels.narrow(2, first, end - first).narrow(3, start, stop - start).to(_device));
                var inner = larger.narrow(2, (top - first) * Scale, Math.Min(side, height - top) * Scale).narrow(3, (left - start) * Scale, Math.Min(side, width - left) * Scale);
                place(top * Scale, left * Scale, inner);
                progress?.Report((++done, total));
            }
        CachingAllocator.Trim();
    }

    /// <summary>Frees the weights.</summary>
    public void Dispose() => _network.Dispose();

    private static RrdbNet Create(ComponentWeights weights)
    {
        var config = RrdbConfig.Detect(weights);
        return config.Channels == 3 ? new RrdbNet(config)
            : throw new DiffSynthException($"The upscaler in '{weights.Origin}' is for pictures of {config.Channels} channels; expected 3 (red, green, blue).");
    }

    private static void Write(Tensor tile, byte[] rgb, int width, long top, long left)
    {
        var bytes = tile.nan_to_num(0.0).clamp(0f, 1f).mul(255f).round().to(ScalarType.Byte).squeeze(0).permute(1, 2, 0).contiguous().cpu();
        var row = 3 * (int)bytes.shape[1];
        var values = bytes.data<byte>().ToArray();
        for (var y = 0; y < bytes.shape[0]; y++) values.AsSpan(y * row, row).CopyTo(rgb.AsSpan((int)(3 * ((top + y) * width + left))));
    }
}
