namespace DiffSynthSharp.Imaging.Annotators;

/// <summary>Colours alone: blocks of 64 pixels, each of one colour.</summary>
/// <remarks>TencentARC/T2I-Adapter and Mikubill/sd-webui-controlnet (<c>t2ia_color_grid</c>).</remarks>
internal static class ColourAnnotator
{
    private const int Block = 64;

    /// <returns>Of the picture's size.</returns>
    public static Picture Run(Picture picture)
        => picture.Resize(Math.Max(1, picture.Width / Block), Math.Max(1, picture.Height / Block)).Resize(picture.Width, picture.Height, ResizeFilter.Nearest);
}
