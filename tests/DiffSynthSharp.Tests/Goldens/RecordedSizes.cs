using System.Text.Json;
using DiffSynthSharp.Imaging;
using TorchSharp;
using static DiffSynthSharp.Tests.Goldens.RecordedPictures;
using static TorchSharp.torch;

namespace DiffSynthSharp.Tests.Goldens;

/// <summary>Sizes that other programs arrive at, and what their generators draw.</summary>
internal static class RecordedSizes
{
    public static void Sizes(IEnumerable<JsonElement> rows)
    {
        foreach (var row in rows)
            if (row.TryGetProperty("a1111_hires", out var request)) HighRes(row, request);
            else
                foreach (var multiple in row.EnumerateObject().Where(property => property.Name.StartsWith("multiple_", StringComparison.Ordinal)))
                {
                    var unit = int.Parse(multiple.Name["multiple_".Length..].Split(' ')[0]);
                    int Rounded(string side) => PictureSizes.RoundedUp(row.GetProperty(side).GetInt32(), unit);
                    Assert.Equal(Pair(multiple.Value), (Rounded("height"), Rounded("width")));
                }
    }

    private static void HighRes(JsonElement row, JsonElement request)
    {
        int Whole(string name) => request.GetProperty(name).GetInt32();
        var ours = PictureSizes.HighRes(Whole("width"), Whole("height"), request.GetProperty("scale").GetDouble(), Whole("resize_x"), Whole("resize_y"));
        Assert.Equal((Pair(row.GetProperty("upscale_to")), Pair(row.GetProperty("truncate_latent_cells"))), ((ours.Width, ours.Height), (ours.CutWide, ours.CutTall)));
    }

    public static void TrainingCrops(IEnumerable<JsonElement> rows)
    {
        foreach (var row in rows)
        {
            var ((width, height), (targetWidth, targetHeight)) = (Pair(row.GetProperty("image")), Pair(row.GetProperty("target")));
            var cover = Cover.Of(width, height, targetWidth, targetHeight);
            Assert.Equal((Pair(row.GetProperty("resized_to")), Pair(row.GetProperty("centre_left_top"))), ((cover.Width, cover.Height), (cover.Left, cover.Top)));
            var random = row.GetProperty("random");
            int Drawn(string name) => random.TryGetProperty(name, out var value) ? value.GetInt32() : 0;
            using var generator = new Generator((ulong)random.GetProperty("seed").GetInt64());
            using var picture = randint(0, Drawn("pictures"), [1], generator: generator);
            Assert.Equal(Drawn("data_id"), picture.ToInt64());
            Assert.Equal((Drawn("left"), Drawn("top"), random.GetProperty("flip").GetBoolean()), cover.Draw(generator, targetWidth, targetHeight));
        }
    }
}
