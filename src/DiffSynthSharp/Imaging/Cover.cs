using static TorchSharp.torch;

namespace DiffSynthSharp.Imaging;

/// <summary>How a picture is made to cover a size: resized, then cut.</summary>
/// <param name="Width">What it is resized to.</param>
/// <param name="Height">What it is resized to.</param>
/// <param name="Left">Where the part in its middle begins.</param>
/// <param name="Top">Where the part in its middle begins.</param>
internal readonly record struct Cover(int Width, int Height, int Left, int Top)
{
    /// <remarks>modelscope/DiffSynth-Studio 1.1.9, trainers/text_to_image.py; torchvision's CenterCrop. Halves go to even numbers.</remarks>
    public static Cover Of(int width, int height, int targetWidth, int targetHeight)
    {
        var scale = Math.Max((double)targetWidth / width, (double)targetHeight / height);
        var (wide, tall) = ((int)Math.Round(width * scale), (int)Math.Round(height * scale));
        return new(wide, tall, (int)Math.Round((wide - targetWidth) / 2.0), (int)Math.Round((tall - targetHeight) / 2.0));
    }

    /// <summary>Another part than the middle, and whether it is mirrored. Nothing is drawn for the part when there is nothing to cut.</summary>
    /// <remarks>modelscope/DiffSynth-Studio 1.1.9, trainers/text_to_image.py; torchvision's RandomCrop and RandomHorizontalFlip.</remarks>
    public (int Left, int Top, bool IsMirrored) Draw(Generator generator, int targetWidth, int targetHeight)
    {
        var isExact = (Width, Height) == (targetWidth, targetHeight);
        var top = isExact ? 0 : Below(Height - targetHeight + 1);
        var left = isExact ? 0 : Below(Width - targetWidth + 1);
        using var chance = rand(1, generator: generator);
        return (left, top, chance.item<float>() < 0.5);

        int Below(int count)
        {
            using var drawn = randint(0, count, [1], generator: generator);
            return (int)drawn.item<long>();
        }
    }
}
