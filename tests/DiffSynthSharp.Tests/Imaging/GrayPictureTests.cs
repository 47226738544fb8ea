using DiffSynthSharp.Imaging;

namespace DiffSynthSharp.Tests.Imaging;

public sealed class GrayPictureTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(40)]
    [InlineData(-1)]
    [InlineData(-2)]
    public void Expanding_takes_the_lightest_of_the_pixels_around_and_shrinking_the_darkest(int by)
    {
        var random = new Random(7);
        var (width, height) = (17, 11);
        var levels = new byte[width * height];
        random.NextBytes(levels);
        var reach = Math.Abs(by);
        var expected = Enumerable.Range(0, levels.Length).Select(i =>
        {
            var near = from y in Enumerable.Range(i / width - reach, 2 * reach + 1)
                       from x in Enumerable.Range(i % width - reach, 2 * reach + 1)
                       where x >= 0 && x < width && y >= 0 && y < height
                       select levels[y * width + x];
            return by > 0 ? near.Max() : near.Min();
        });
        Assert.Equal(expected, new GrayPicture(width, height, levels).Expanded(by).Levels);
    }

    [Fact]
    public void A_blur_wider_than_the_picture_keeps_its_mean_level()
    {
        var blurred = new GrayPicture(2, 3, [0, 0, 0, 255, 255, 255]).Blurred(8);
        Assert.All(blurred.Levels, level => Assert.InRange(level, 110, 145));
        Assert.Equal([7], new GrayPicture(1, 1, [7]).Blurred(4).Levels);
    }

    [Fact]
    public void A_region_fades_over_its_border_and_fits_latents_smaller_than_the_kernel()
    {
        var half = new Picture(64, 64, [.. Enumerable.Range(0, 64 * 64 * 3).Select(i => (byte)(i / 3 % 64 < 32 ? 255 : 0))]);
        using var weights = LatentMask.Region(half, 8, 8);
        float[] row = [.. weights.data<float>().Take(8)];
        Assert.All(row[..4], weight => Assert.InRange(weight, 0.5f, 1));
        Assert.All(row[4..], weight => Assert.InRange(weight, 0, 0.5f));
        Assert.Equal(1, row[0] + row[7], 1e-5);
    }
}
