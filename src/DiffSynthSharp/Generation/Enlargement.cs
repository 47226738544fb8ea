using DiffSynthSharp.Imaging;
using DiffSynthSharp.Layers;
using static TorchSharp.torch;

namespace DiffSynthSharp.Generation;

/// <summary>Enlarges pictures between passes; keeps the upscaler that it used last.</summary>
internal sealed class Enlargement(Device device, Action<string> say) : IDisposable
{
    private Upscaler? _upscaler;
    private string? _path;

    /// <summary>The picture at the size of a pass: through its upscaler where it names one, then resized.</summary>
    /// <exception cref="DiffSynthException">The upscaler's file is missing, damaged or of another kind, or its result would be too large.</exception>
    public Picture Of(Picture picture, PassPlan pass)
    {
        var highRes = pass.HighRes!;
        if (highRes.Upscaler is { } path) picture = Load(path).Upscale(picture, cancellation: BlockBorder.Token);
        return picture.Resize(pass.Width, pass.Height, highRes.Resize);
    }

    private Upscaler Load(string path)
    {
        if (path == _path) return _upscaler!;
        _upscaler?.Dispose();
        (_path, _upscaler) = (null, null);
        _upscaler = Upscaler.Load(path, device.ToString(), cancellation: BlockBorder.Token);
        say($"Enlarged by {Path.GetFileName(path)}, {_upscaler.Scale} times, then resized.");
        _path = path;
        return _upscaler;
    }

    public void Dispose() => _upscaler?.Dispose();
}
