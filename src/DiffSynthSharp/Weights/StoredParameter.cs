using DiffSynthSharp.Layers;
using DiffSynthSharp.Runtime;
using static TorchSharp.torch;

namespace DiffSynthSharp.Weights;

/// <summary>A parameter of a network and what its checkpoint has for it.</summary>
/// <param name="Leaf">The layer that owns the parameter.</param>
/// <param name="Name">Its name there: "weight" or "bias".</param>
/// <param name="Weight">The stored form; whoever opened it disposes it, unless the leaf holds it.</param>
internal sealed record StoredParameter(Leaf Leaf, string Name, FileWeight Weight)
{
    /// <summary>Bytes of the parameter in float32.</summary>
    public long ConvertedBytes => sizeof(float) * Weight.Elements;

    /// <summary>Whether the layer can compute from the stored form at no more cost than widening it.</summary>
    public bool CanStay => Leaf.CanHold(Name) && !Leaf.Rearranges(Name);

    /// <summary>Whether the parameter, placed on the CPU, is used over the file's own memory.</summary>
    /// <param name="convert">To float32, or in the stored element type.</param>
    public bool LiesInFile(bool convert) => !Leaf.Rearranges(Name) && Weight.IsReady(TypeOn(CPU, convert));

    /// <summary>Bytes of the parameter, placed on the CPU.</summary>
    /// <param name="convert">To float32, or in the stored element type.</param>
    public long PlacedBytes(bool convert) => TypeOn(CPU, convert) == ScalarType.Float32 ? ConvertedBytes : ConvertedBytes / 2;

    // In the stored element type where libtorch can convert from it; else in float32, on a GPU in bfloat16.
    private ScalarType TypeOn(Device device, bool convert)
    {
        if (convert) return ScalarType.Float32;
        foreach (var type in (ScalarType[])[ScalarType.Float16, ScalarType.BFloat16])
            if (Weight.IsReady(type)) return type;
        return device.type == TorchSharp.DeviceType.CPU || Weight.IsReady(ScalarType.Float32) ? ScalarType.Float32 : ScalarType.BFloat16;
    }

    /// <summary>Gives the layer the parameter in memory.</summary>
    /// <param name="device">Where it goes.</param>
    /// <param name="convert">To float32, or in the stored element type.</param>
    public void Place(Device device, bool convert) => Assign(TypeOn(device, convert), device);

    // A view over the file keeps its pages; a copy doesn't need them.
    private unsafe void Assign(ScalarType type, Device device)
    {
        using var scope = NewDisposeScope();
        var view = Weight.View(type);
        var mapped = view is null ? null : TensorAddress.Of(view);
        var values = view ?? Weight.Copy(type);
        var placed = device.type == TorchSharp.DeviceType.CPU ? values.alias() : values.to(device);
        var parameter = Leaf.Assign(Name, placed.MoveToOuterDisposeScope());
        if (view is null || parameter.device_type != TorchSharp.DeviceType.CPU || TensorAddress.Of(parameter) != mapped) Weight.DropPages();
    }
}
