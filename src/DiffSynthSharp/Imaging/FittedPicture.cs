namespace DiffSynthSharp.Imaging;

/// <summary>Pictures made to fit what a job needs.</summary>
internal static class FittedPicture
{
    private const int ReferenceMultiple = 16;

    /// <summary>The middle of the picture at a training size.</summary>
    public static Picture Training(Picture picture, int width, int height)
    {
        var cover = Cover.Of(picture.Width, picture.Height, width, height);
        return picture.Resize(cover.Width, cover.Height, ResizeFilter.Bilinear).Crop(cover.Left, cover.Top, width, height);
    }

    /// <summary>The middle of the picture in another aspect, then resized.</summary>
    /// <remarks>modelscope/DiffSynth-Studio 1.1.9, apps/streamlit (<c>crop_and_resize</c>).</remarks>
    public static Picture Upload(Picture picture, int width, int height)
    {
        var isWide = (double)picture.Height / picture.Width < (double)height / width;
        var wide = isWide ? Math.Max(1, (int)((double)picture.Height / height * width)) : picture.Width;
        var tall = isWide ? picture.Height : Math.Max(1, (int)((double)picture.Width / width * height));
        return picture.Crop((picture.Width - wide) / 2, (picture.Height - tall) / 2, wide, tall).Resize(width, height);
    }

    /// <summary>A reference picture: its longer side at most <paramref name="most"/>, both sides multiples of 16.</summary>
    /// <remarks>VectorSpaceLab/OmniGen, OmniGen/utils.py (<c>crop_arr</c>).</remarks>
    public static Picture Reference(Picture picture, int most)
    {
        while (Math.Min(picture.Width, picture.Height) >= 2 * most) picture = picture.Resize(picture.Width / 2, picture.Height / 2, ResizeFilter.Box);
        if (Math.Max(picture.Width, picture.Height) is var longer && longer > most) picture = Scaled(picture, (double)most / longer);
        if (Math.Min(picture.Width, picture.Height) is var shorter && shorter < ReferenceMultiple) picture = Scaled(picture, (double)ReferenceMultiple / shorter);
        var (overWide, overTall) = (picture.Width % ReferenceMultiple, picture.Height % ReferenceMultiple);
        return picture.Crop(overWide / 2, overTall / 2, picture.Width - overWide, picture.Height - overTall);
    }

    private static Picture Scaled(Picture picture, double scale) => picture.Resize((int)Math.Round(picture.Width * scale), (int)Math.Round(picture.Height * scale));
}
