namespace DiffSynthSharp.Imaging;

/// <summary>Sizes as other programs round them.</summary>
internal static class PictureSizes
{
    private const int LatentReduction = 8;

    /// <summary>The next multiple.</summary>
    /// <remarks>modelscope/DiffSynth-Studio 1.1.9, pipelines/base.py (<c>check_resize_height_width</c>).</remarks>
    public static int RoundedUp(int side, int multiple) => (side + multiple - 1) / multiple * multiple;

    /// <summary>What a second pass enlarges to, and how many latent cells of it are cut off afterwards.</summary>
    /// <param name="width">The first pass's.</param>
    /// <param name="height">The first pass's.</param>
    /// <param name="scale">Counts when neither side is given.</param>
    /// <param name="toWidth">0: as the aspect says.</param>
    /// <param name="toHeight">0: as the aspect says.</param>
    /// <remarks>AUTOMATIC1111/stable-diffusion-webui, modules/processing.py (<c>calculate_target_resolution</c>).</remarks>
    public static (int Width, int Height, int CutWide, int CutTall) HighRes(int width, int height, double scale, int toWidth = 0, int toHeight = 0)
    {
        if ((toWidth, toHeight) == (0, 0)) return ((int)(width * scale), (int)(height * scale), 0, 0);
        var (wide, tall) = (ByHeight(toHeight), ByWidth(toWidth));
        if (toHeight == 0) return (toWidth, tall, 0, 0);
        if (toWidth == 0) return (wide, toHeight, 0, 0);
        var (enlargedWidth, enlargedHeight) = (double)width / height < (double)toWidth / toHeight ? (toWidth, tall) : (wide, toHeight);
        return (enlargedWidth, enlargedHeight, (enlargedWidth - toWidth) / LatentReduction, (enlargedHeight - toHeight) / LatentReduction);

        int ByHeight(int side) => (int)((long)side * width / height);
        int ByWidth(int side) => (int)((long)side * height / width);
    }
}
