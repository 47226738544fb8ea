using DiffSynthSharp.Layers;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DiffSynthSharp.Models.Transformers;

/// <summary>A square table of position vectors, of which a picture takes the middle.</summary>
/// <remarks>Stability-AI/sd3.5, mmditx.py, MMDiTX.cropped_pos_embed.</remarks>
internal sealed class MmDitPositions : Leaf
{
    [Key("table")] private Parameter? _table;
    private readonly long _side;

    public MmDitPositions(long side, long width) : base(nameof(MmDitPositions))
    {
        _side = side;
        _table = Unfilled(1, side * side, width);
        RegisterComponents();
    }

    protected override ref Parameter? Slot(string name) => ref _table;

    public override bool UsesAll => false;

    /// <summary>Adds to each token the vector of its place.</summary>
    /// <param name="map">(B, D, H, W), channels-last; no side longer than the table's</param>
    /// <returns>(B, H·W, D)</returns>
    public override Tensor forward(Tensor map)
    {
        using var scope = NewDisposeScope();
        var (height, width) = (map.shape[2], map.shape[3]);
        // The whole table can be a thousand times what a picture needs, so it is cut before it is converted.
        var table = Compute("table", _table!, _table!.dtype).view(_side, _side, -1);
        var middle = table.narrow(0, (_side - height) / 2, height).narrow(1, (_side - width) / 2, width).reshape(1, height * width, -1); // (1, N, D)
        return (map.ToTokens() + middle.to(map.dtype)).MoveToOuterDisposeScope();
    }
}
