using static TorchSharp.torch;

namespace DiffSynthSharp.Models.TextEncoders;

/// <summary>What one CLIP text encoder gives a family that takes more than its states.</summary>
/// <param name="States">(B, M, width), without the final norm</param>
/// <param name="Pooled">(B, width of the pooled vector)</param>
internal readonly record struct ClipStates(Tensor States, Tensor Pooled);
