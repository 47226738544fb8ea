using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DiffSynthSharp.Layers;

/// <summary>
/// A layer that owns parameters. They are born on the META device (a shape without memory) and assigned by the loader; the stored
/// element type may differ from the one computed in, and the leaf converts on use.
/// </summary>
internal abstract class Leaf : nn.Module<Tensor, Tensor>
{
    protected Leaf(string name) : base(name)
    {
    }

    /// <summary>A parameter of this shape without memory.</summary>
    protected static Parameter Unfilled(params long[] shape) => new(empty(shape, device: META), requires_grad: false);

    /// <summary>The field that holds the parameter of this name ("weight" or "bias").</summary>
    protected abstract ref Parameter? Slot(string name);

    /// <summary>How this leaf wants the parameter laid out in memory. The base leaves it as it is.</summary>
    protected virtual Tensor Arrange(string name, Tensor value) => value;

    /// <summary>Replaces a parameter. The leaf takes ownership of <paramref name="value"/>.</summary>
    /// <param name="name">"weight" or "bias".</param>
    /// <param name="value">A tensor of the parameter's shape, of any floating-point element type.</param>
    /// <param name="trainable">Whether gradients are wanted.</param>
    /// <returns>The parameter that is now in use.</returns>
    public Parameter Assign(string name, Tensor value, bool trainable = false)
    {
        ref var slot = ref Slot(name);
        var old = slot ?? throw new InvalidOperationException($"{GetName()} has no parameter '{name}'.");
        var arranged = Arrange(name, value);
        if (!ReferenceEquals(arranged, value)) value.Dispose();
        slot = new Parameter(arranged.DetachFromDisposeScope(), trainable);
        slot.DetachFromDisposeScope();
        ConditionallyRegisterParameter(name, slot);
        old.Dispose();
        return slot;
    }

    /// <summary>The parameter in the element type computed in: itself when it is stored so, else a converted copy for this one use.</summary>
    protected static Tensor Compute(Parameter parameter, ScalarType type) => parameter.dtype == type ? parameter.alias() : parameter.to(type);
}
