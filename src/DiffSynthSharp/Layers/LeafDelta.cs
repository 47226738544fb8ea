using static TorchSharp.torch;

namespace DiffSynthSharp.Layers;

/// <summary>What an adapter adds to one layer. It owns its tensors.</summary>
internal abstract class LeafDelta : IDisposable
{
    /// <summary>Whether the layer runs this on its input and adds to its output, instead of changing its weights for the call.</summary>
    public virtual bool IsOnOutput => false;

    /// <summary>The change of a parameter.</summary>
    /// <param name="name">"weight" or "bias".</param>
    /// <param name="value">The layer's own parameter in float32, without any adapter.</param>
    /// <returns>float32 of the parameter's shape, or null when this parameter stays as it is.</returns>
    public abstract Tensor? Change(string name, Tensor value);

    /// <summary>Adds this adapter's share to a layer's output, in place; only for those with <see cref="IsOnOutput"/>.</summary>
    /// <param name="x">The layer's input.</param>
    /// <param name="y">The layer's output.</param>
    /// <param name="stride">Of a convolution.</param>
    /// <param name="padding">Of a convolution.</param>
    public virtual void AddTo(Tensor x, Tensor y, long stride, long padding) => throw new NotSupportedException($"{GetType().Name} changes weights.");

    /// <summary>Frees the adapter's tensors.</summary>
    public abstract void Dispose();
}
