using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DiffSynthSharp.Layers;

/// <summary>
/// A layer that owns parameters. They are born on the META device (a shape without memory) and assigned by the loader; the stored
/// element type may differ from the one computed in, and the leaf converts on use. A parameter may also stay on META and be widened from its
/// stored form whenever it is needed.
/// </summary>
internal abstract class Leaf : nn.Module<Tensor, Tensor>
{
    private List<LeafDelta>? _deltas;
    private Dictionary<string, StoredWeight>? _stored;

    protected Leaf(string name) : base(name)
    {
    }

    /// <summary>A parameter of this shape without memory.</summary>
    protected static Parameter Unfilled(params long[] shape) => Lasting(empty(shape, device: META), false);

    // A parameter lives as long as its layer, whatever scope it is made in; it has a handle of its own, so the value's is let go of.
    private static Parameter Lasting(Tensor value, bool trainable)
    {
        var parameter = new Parameter(value, trainable);
        parameter.DetachFromDisposeScope();
        value.Dispose();
        return parameter;
    }

    /// <summary>The field that holds the parameter of this name ("weight" or "bias").</summary>
    protected abstract ref Parameter? Slot(string name);

    /// <summary>How this leaf wants the parameter laid out in memory. The base leaves it as it is.</summary>
    protected virtual Tensor Arrange(string name, Tensor value) => value;

    /// <summary>Whether the parameter may be a <see cref="StoredWeight"/>: all that this layer does with it goes through <see cref="Compute"/> or row by row.</summary>
    /// <param name="name">"weight" or "bias".</param>
    public virtual bool CanHold(string name) => false;

    /// <summary>Whether <see cref="Assign"/> lays the parameter out anew, which a stored one needs at every use.</summary>
    /// <param name="name">"weight" or "bias".</param>
    public virtual bool Rearranges(string name) => false;

    /// <summary>Whether a use of this layer touches all of its parameters; a table of rows is touched where rows are asked for, and only these are widened.</summary>
    public virtual bool UsesAll => true;

    /// <summary>Where this layer computes: where its parameters are, or were before they were taken away; the CPU when there never were any.</summary>
    public Device Device { get; private set; } = CPU;

    /// <summary>Replaces a parameter. The leaf takes ownership of <paramref name="value"/>.</summary>
    /// <param name="name">"weight" or "bias".</param>
    /// <param name="value">A tensor of the parameter's shape, of any floating-point element type.</param>
    /// <param name="trainable">Whether gradients are wanted.</param>
    /// <returns>The parameter that is now in use.</returns>
    public Parameter Assign(string name, Tensor value, bool trainable = false)
    {
        ref var slot = ref Slot(name);
        if (slot is null) throw new InvalidOperationException($"{GetName()} has no parameter '{name}'.");
        var arranged = Arrange(name, value);
        if (!ReferenceEquals(arranged, value)) value.Dispose();
        Put(ref slot, name, arranged, trainable);
        if (_stored is not null && _stored.Remove(name, out var stored)) stored.Dispose();
        return slot!;
    }

    /// <summary>Replaces a parameter by its stored form, which is widened at every use. The leaf takes ownership of it.</summary>
    /// <param name="name">A name for which <see cref="CanHold"/> is true.</param>
    /// <param name="stored">Of the parameter's shape.</param>
    public void Hold(string name, StoredWeight stored)
    {
        if (!CanHold(name) || !stored.Shape.SequenceEqual(ShapeOf(name)!)) throw new ArgumentException($"{GetName()} can't hold this '{name}'.", nameof(name));
        Empty(name);
        Device = stored.Device;
        (_stored ??= [])[name] = stored;
    }

    /// <summary>Takes a parameter's values away; its shape stays. The layer can't compute until it is assigned again.</summary>
    public void Empty(string name)
    {
        ref var slot = ref Slot(name);
        if (slot!.device_type != TorchSharp.DeviceType.META) Put(ref slot, name, empty(slot.shape, device: META), false);
        if (_stored is not null && _stored.Remove(name, out var stored)) stored.Dispose();
    }

    private void Put(ref Parameter? slot, string name, Tensor value, bool trainable)
    {
        var old = slot!;
        if (value.device_type != TorchSharp.DeviceType.META) Device = value.device;
        slot = Lasting(value, trainable);
        ConditionallyRegisterParameter(name, slot);
        old.Dispose();
    }

    /// <summary>Whether a parameter is widened from its stored form.</summary>
    public bool Holds(string name) => StoredOf(name) is not null;

    /// <summary>The stored form of a parameter, or null when it was assigned.</summary>
    protected StoredWeight? StoredOf(string name) => _stored?.GetValueOrDefault(name);

    protected override void Dispose(bool disposing)
    {
        if (disposing && _stored is not null)
        {
            foreach (var stored in _stored.Values) stored.Dispose();
            _stored = null;
        }
        base.Dispose(disposing);
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
        var plain = value?.to(ScalarType.Float32) ?? Plain(name, Slot(name)!, ScalarType.Float32);
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
        if (!ChangesWeights) return Plain(name, parameter, type);
        using var scope = NewDisposeScope();
        var plain = Plain(name, parameter, ScalarType.Float32);
        var changed = plain.alias();
        foreach (var delta in _deltas!)
            if (!delta.IsOnOutput && delta.Change(name, plain) is { } change) changed = changed + change;
        return changed.to(type).alias().MoveToOuterDisposeScope();
    }

    /// <summary>Whether an adapter changes this layer's weights, rather than adding to its output.</summary>
    protected bool ChangesWeights => _deltas is not null && !_deltas.TrueForAll(delta => delta.IsOnOutput);

    private Tensor Plain(string name, Parameter parameter, ScalarType type)
    {
        if (StoredOf(name) is not { } stored) return parameter.dtype == type ? parameter.alias() : parameter.to(type);
        stored.BeginUse();
        try
        {
            var widened = stored.Widen(type);
            var arranged = Arrange(name, widened);
            if (!ReferenceEquals(arranged, widened)) widened.Dispose();
            return arranged;
        }
        finally
        {
            stored.EndUse();
        }
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
