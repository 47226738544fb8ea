using DiffSynthSharp.Imaging;
using DiffSynthSharp.Tests;

namespace DiffSynthSharp.Cli.Tests;

public sealed class AnnotateTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public AnnotateTests()
    {
        var rgb = new byte[3 * 64 * 64];
        rgb.AsSpan(0, rgb.Length / 2).Fill(255); // a white half above a black one
        new Picture(64, 64, rgb).Save(_folder["photo.png"]);
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Edges_of_a_picture_are_written_and_the_files_name_is_printed()
    {
        var run = await Run.Of("annotate", "canny", _folder["photo.png"], "--output", _folder["edges.png"]);
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        Assert.Equal(_folder["edges.png"], Assert.Single(run.Lines));
        var edges = Picture.Load(_folder["edges.png"]);
        Assert.Equal([31], Enumerable.Range(0, 64).Where(y => edges[20, y].Red == 255));
    }

    [Fact]
    public async Task Without_a_name_the_file_is_called_after_picture_and_annotator()
    {
        var run = await Run.Of("annotate", "color", _folder["photo.png"], "-o", $"{_folder.Path}/");
        Assert.Equal(_folder["photo-color.png"], Assert.Single(run.Lines));
        Assert.True(File.Exists(_folder["photo-color.png"]));
    }

    [Theory]
    [InlineData("Did you mean 'canny'?", "cany", "photo.png")]
    [InlineData("There is no picture", "canny", "missing.png")]
    [InlineData("name sk_model.pth", "lineart", "photo.png")]
    [InlineData("There is no file 'missing.pth'", "depth", "photo.png", "--annotator-file", "missing.pth")]
    [InlineData("known are .png", "canny", "photo.png", "-o", "edges.tiff")]
    public async Task A_wrong_value_is_one_line(string expected, string annotator, string picture, params string[] more)
    {
        var run = await Run.Of(["annotate", annotator, _folder[picture], .. more]);
        Assert.Equal((2, ""), (run.ExitCode, run.Out));
        Assert.Contains(expected, Assert.Single(run.ErrorLines));
    }
}
