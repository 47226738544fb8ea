using static TorchSharp.torch;

namespace DiffSynthSharp.Families;

/// <summary>What a prompt becomes for the denoiser.</summary>
/// <param name="Context">(1, M, width) text tokens</param>
internal sealed record Conditioning(Tensor Context) : IDisposable
{
    public void Dispose() => Context.Dispose();
}
