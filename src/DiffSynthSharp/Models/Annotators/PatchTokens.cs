using DiffSynthSharp.Layers;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DiffSynthSharp.Models.Annotators;

/// <summary>Cells of a map become tokens that know their place, behind one token that stands for the whole picture.</summary>
/// <remarks>Dosovitskiy et al., An Image is Worth 16x16 Words. The table of places is resized to the map.</remarks>
internal sealed class PatchTokens : Leaf
{
    [Key("whole")] private Parameter? _whole;
    [Key("places")] private Parameter? _places;
    private readonly InterpolationMode _resampling;

    /// <param name="width">Width of a token.</param>
    /// <param name="places">Rows of the table: the token for the whole picture, then a square of cells.</param>
    /// <param name="resampling">How the table is resized.</param>
    public PatchTokens(long width, long places, InterpolationMode resampling) : base(nameof(PatchTokens))
    {
        var side = (long)Math.Round(Math.Sqrt(places - 1));
        if (side * side + 1 != places) throw new DiffSynthException($"The network's table of {places} places isn't a square and one more.");
        _resampling = resampling;
        _whole = Unfilled(1, 1, width);
        _places = Unfilled(1, places, width);
        RegisterComponents();
    }

    protected override ref Parameter? Slot(string name) => ref name == "whole" ? ref _whole : ref _places;

    /// <param name="map">(B, C, H, W)</param>
    /// <returns>(B, 1 + H·W, C)</returns>
    public override Tensor forward(Tensor map)
    {
        using var scope = NewDisposeScope();
        var whole = Compute("whole", _whole!, map.dtype).expand(map.shape[0], 1, -1);
        return (cat([whole, map.ToTokens()], 1) + Places(map.dtype, map.shape[2], map.shape[3])).MoveToOuterDisposeScope();
    }

    private Tensor Places(ScalarType type, long height, long width)
    {
        var places = Compute("places", _places!, type);
        var side = (long)Math.Round(Math.Sqrt(places.shape[1] - 1));
        if ((height, width) == (side, side)) return places;
        var square = places.narrow(1, 1, side * side).ToMap(side, side);
        var resized = nn.functional.interpolate(square, [height, width], mode: _resampling, align_corners: false);
        return cat([places.narrow(1, 0, 1), resized.ToTokens()], 1);
    }
}
