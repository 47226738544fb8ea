using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DiffSynthSharp.Layers;

/// <summary>A table of vectors, looked up by number.</summary>
internal sealed class Embedding : Leaf
{
    [Key("weight")] private Parameter? _weight;

    public Embedding(long count, long width) : base(nameof(Embedding))
    {
        _weight = Unfilled(count, width);
        RegisterComponents();
    }

    protected override ref Parameter? Slot(string name) => ref _weight;

    /// <summary>Rows in the table.</summary>
    public long Count => _weight!.shape[0];

    /// <param name="ids">int64, any shape</param>
    /// <returns>(…, width); float32 when the table is stored in half precision</returns>
    public override Tensor forward(Tensor ids)
    {
        using var flat = ids.flatten();
        using var picked = _weight!.index_select(0, flat);
        var rows = picked.view([.. ids.shape, _weight!.shape[1]]);
        if (rows.dtype is ScalarType.Float32 or ScalarType.Float64) return rows;
        using (rows) return rows.to(ScalarType.Float32);
    }
}
