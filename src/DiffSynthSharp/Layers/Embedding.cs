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

    public override bool CanHold(string name) => true;

    public override bool UsesAll => false;

    /// <summary>Rows in the table.</summary>
    public long Count => _weight!.shape[0];

    /// <param name="ids">int64, any shape</param>
    /// <returns>(…, width); float32 when the table is stored in half precision</returns>
    public override Tensor forward(Tensor ids)
    {
        using var flat = ids.flatten();
        using var picked = StoredOf("weight") is { } stored ? Pick(stored, flat) : _weight!.index_select(0, flat);
        var rows = picked.view([.. ids.shape, _weight!.shape[1]]);
        if (rows.dtype is ScalarType.Float32 or ScalarType.Float64) return rows;
        using (rows) return rows.to(ScalarType.Float32);
    }

    // Of a stored table only the rows that are asked for are widened.
    private static Tensor Pick(StoredWeight stored, Tensor ids)
    {
        using var scope = NewDisposeScope();
        stored.BeginUse();
        try
        {
            var rows = ids.cpu().data<long>().ToArray().Select(id => stored.Widen(id, 1, ScalarType.Float32)).ToList();
            return (rows.Count == 0 ? empty(0, stored.Columns) : cat(rows)).MoveToOuterDisposeScope();
        }
        finally
        {
            stored.EndUse();
        }
    }
}
