using DiffSynthSharp.Imaging;
using DiffSynthSharp.Imaging.Annotators;

namespace DiffSynthSharp.Tests.Imaging;

public sealed class AnnotatorTests
{
    [Theory]
    [InlineData(200, 130)]
    [InlineData(100, 30)]
    public void Canny_draws_the_border_between_two_colours_at_the_pictures_own_size(int width, int height)
    {
        var edges = CannyAnnotator.Run(Halves(width, height));
        Assert.Equal((width, height), (edges.Width, edges.Height));
        Assert.InRange(Enumerable.Range(width / 2 - 3, 6).Max(x => edges[x, height / 2].Red), 100, 255);
        Assert.Equal((0, 0, 0), edges[1, height / 2]);
    }

    [Fact]
    public void Colour_gives_blocks_of_one_colour()
    {
        var blocks = ColourAnnotator.Run(Halves(128, 64));
        Assert.Equal(blocks[0, 0], blocks[63, 63]);
        Assert.Equal(blocks[64, 0], blocks[127, 63]);
        Assert.True(blocks[0, 0].Red > 200 && blocks[127, 0].Blue > 200);
        Assert.Equal((7, 5), (ColourAnnotator.Run(Halves(7, 5)).Width, ColourAnnotator.Run(Halves(7, 5)).Height));
    }

    private static Picture Halves(int width, int height)
        => new(width, height, [.. Enumerable.Range(0, width * height).SelectMany(i => i % width < width / 2 ? new byte[] { 255, 0, 0 } : [0, 0, 255])]);
}
