using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DiffSynthSharp.Layers;

/// <summary>
/// A layer that owns parameters. They are born on the META device (a shape without memory) and assigned by the loader; the stored
/// element type may differ from the one computed in, and the leaf converts on use.
/// </summary>
internal abstract class Leaf : nn.Module<Tensor, Tensor>
{
    private List<LeafDelta>? _deltas;

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

    /// <summary>The shape of a parameter, or null when this layer has none of that name.</summary>
    /// <param name="name">"weight" or "bias".</param>
    public long[]? ShapeOf(string name) => Slot(name)?.shape;

    /// <summary>Adds an adapter. It stays the caller's and must outlive its use here.</summary>
    public void Attach(LeafDelta delta) => (_deltas ??= []).Add(delta);

    /// <summary>Takes an adapter off again: the layer computes exactly what it did before.</summary>
    public void Detach(LeafDelta delta)
    {
        if (_deltas is null || !_deltas.Remove(delta)) throw new InvalidOperationException($"{GetName()} doesn't carry this adapter.");
        if (_deltas.Count == 0) _deltas = null;
    }

    /// <summary>Whether an adapter is on this layer.</summary>
    public bool HasDeltas => _deltas is not null;

    /// <summary>What all adapters together change of a parameter, whether they do it to the weight or beside it.</summary>
    /// <param name="name">"weight" or "bias".</param>
    /// <param name="value">The parameter's value, of its shape, for a layer that holds none; null for the layer's own.</param>
    /// <returns>float32, or null when no adapter touches the parameter.</returns>
    public Tensor? ChangeOf(string name, Tensor? value = null)
    {
        using var scope = NewDisposeScope();
        var plain = (value ?? Slot(name)!).to(ScalarType.Float32);
        Tensor? sum = null;
        foreach (var delta in _deltas ?? [])
            if (delta.Change(name, plain) is { } change) sum = sum is null ? change : sum + change;
        return sum?.MoveToOuterDisposeScope();
    }

    /// <summary>
    /// The parameter in the element type computed in: itself when it is stored so, else a converted copy for this one use. Adapters that change
    /// weights change the copy, each by what it makes of the stored parameter; that one is never written to.
    /// </summary>
    /// <param name="name">"weight" or "bias".</param>
    /// <param name="parameter">The parameter of that name.</param>
    /// <param name="type">Element type computed in.</param>
    protected Tensor Compute(string name, Parameter parameter, ScalarType type)
    {
        if (_deltas is null || _deltas.TrueForAll(delta => delta.IsOnOutput)) return parameter.dtype == type ? parameter.alias() : parameter.to(type);
        using var scope = NewDisposeScope();
        var plain = parameter.to(ScalarType.Float32);
        var changed = plain.alias();
        foreach (var delta in _deltas)
            if (!delta.IsOnOutput && delta.Change(name, plain) is { } change) changed = changed + change;
        return changed.to(type).alias().MoveToOuterDisposeScope();
    }

    /// <summary>Adds what adapters have to say about this input to the output, in place.</summary>
    /// <param name="x">The layer's input.</param>
    /// <param name="y">The layer's own output.</param>
    /// <param name="stride">Of a convolution.</param>
    /// <param name="padding">Of a convolution.</param>
    /// <returns><paramref name="y"/></returns>
    protected Tensor WithDeltas(Tensor x, Tensor y, long stride = 1, long padding = 0)
    {
        if (_deltas is null) return y;
        foreach (var delta in _deltas)
            if (delta.IsOnOutput) delta.AddTo(x, y, stride, padding);
        return y;
    }
}
