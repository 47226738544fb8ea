using DiffSynthSharp.Families;
using DiffSynthSharp.Imaging;
using DiffSynthSharp.Layers;
using DiffSynthSharp.Models.Autoencoders;
using DiffSynthSharp.Sampling;
using static TorchSharp.torch;

namespace DiffSynthSharp.Generation;

/// <summary>Pictures to latents in the model's own scaling.</summary>
internal sealed class PictureEncoder(LoadedFamily family, GenerationRequest request)
{
    private readonly TileGrid? _tiles = request.Tiles is { } tiles
        ? tiles.Encoder ?? new TileGrid(tiles.Tile * family.Latents.Reduction, tiles.Stride * family.Latents.Reduction) : null;

    /// <summary>The latents of a batch's pictures.</summary>
    /// <param name="pictures">One per picture of the batch, of one size.</param>
    /// <param name="which">Mean, or a sample that is drawn from <paramref name="noise"/>.</param>
    /// <param name="noise">The batch's generators.</param>
    /// <param name="area">Hides what inpainting makes anew; null shows the pictures whole.</param>
    /// <returns>(n, c, h, w) float32 on the CPU</returns>
    public Tensor Encode(IReadOnlyList<Picture> pictures, LatentPosterior which, NoiseSource noise, InpaintArea? area = null)
    {
        using var scope = NewDisposeScope();
        // A batch often begins with one and the same picture.
        var posteriors = pictures.Distinct().ToDictionary(picture => picture, picture => Posterior(picture, area));
        var means = cat([.. pictures.Select(picture => posteriors[picture].Mean)]);
        if (which == LatentPosterior.Mean) return Scaled(means).MoveToOuterDisposeScope();
        var deviations = cat([.. pictures.Select(picture => posteriors[picture].Deviation())]);
        return Scaled(means + deviations * noise.Next().to(family.Device)).MoveToOuterDisposeScope();
    }

    private Posterior Posterior(Picture picture, InpaintArea? area)
    {
        using var scope = NewDisposeScope();
        var values = picture.ToTensor();
        if (area is not null) values = area.Hide(values);
        var posterior = family.EncodePicture(values.to(family.Device), _tiles ?? OwnTiles(picture));
        return new(posterior.Mean.MoveToOuterDisposeScope(), posterior.LogVariance.MoveToOuterDisposeScope());
    }

    private TileGrid? OwnTiles(Picture picture)
        => family.AutoencoderTiles((picture.Width, picture.Height)) is { } cells ? new(cells.Size * family.Latents.Reduction, cells.Stride * family.Latents.Reduction) : null;

    private Tensor Scaled(Tensor latents) => ((latents - family.Latents.Shift) * family.Latents.Scale).to(CPU);
}
