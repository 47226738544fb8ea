using DiffSynthSharp.Imaging;
using SkiaSharp;

namespace DiffSynthSharp.Tests.Imaging;

public sealed class PictureTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("a.png")]
    [InlineData("a.webp")]
    public void A_lossless_file_gives_the_same_bytes_back(string name)
    {
        var picture = Gradient(7, 5);
        picture.Save(_folder[name]);
        var loaded = Picture.Load(_folder[name]);
        Assert.Equal((7, 5), (loaded.Width, loaded.Height));
        Assert.Equal(picture.Rgb.ToArray(), loaded.Rgb.ToArray());
    }

    [Fact]
    public void A_jpeg_is_close()
    {
        var picture = Gradient(64, 48);
        picture.Save(_folder["a.JPG"]);
        var loaded = Picture.Load(_folder["a.JPG"]).Rgb.ToArray();
        Assert.InRange(picture.Rgb.ToArray().Zip(loaded, (a, b) => Math.Abs(a - b)).Average(), 0, 3);
    }

    [Fact]
    public void An_unknown_extension_is_refused_with_the_known_ones()
    {
        var error = Assert.Throws<DiffSynthException>(() => Gradient(2, 2).Save(_folder["a.tiff"]));
        Assert.Contains(".png, .jpg, .jpeg, .webp", error.Message);
        Assert.Empty(Directory.EnumerateFileSystemEntries(_folder.Path));
    }

    [Fact]
    public void Texts_of_a_png_come_back_in_every_script()
    {
        var texts = new Dictionary<string, string> { ["parameters"] = "a café\nSteps: 20", ["prompt"] = "一只猫 😀" };
        Gradient(3, 2).Save(_folder["a.png"], texts);
        Assert.Equal(texts, PngText.Read(_folder["a.png"]));
        Assert.Equal(Gradient(3, 2).Rgb.ToArray(), Picture.Load(_folder["a.png"]).Rgb.ToArray());
    }

    [Fact]
    public void A_damaged_png_gives_the_texts_before_the_damage()
    {
        var png = Gradient(3, 2).ToPng(new Dictionary<string, string> { ["a"] = "1", ["b"] = "2" });
        for (var length = 0; length < png.Length; length++)
        {
            var texts = PngText.Read(png.AsSpan(0, length));
            Assert.All(texts, text => Assert.Contains(text.Value, new[] { "1", "2" }));
        }
        png[33] = 0xFF;
        Assert.Empty(PngText.Read(png.AsSpan()));
    }

    [Fact]
    public void Transparent_pixels_lie_on_white()
    {
        using var bitmap = new SKBitmap(new SKImageInfo(3, 1, SKColorType.Rgba8888, SKAlphaType.Unpremul));
        bitmap.SetPixel(0, 0, new SKColor(200, 100, 0, 0));
        bitmap.SetPixel(1, 0, new SKColor(200, 100, 0, 255));
        bitmap.SetPixel(2, 0, new SKColor(200, 100, 0, 128));
        using (var data = bitmap.Encode(SKEncodedImageFormat.Png, 100)) File.WriteAllBytes(_folder["a.png"], data.ToArray());
        var picture = Picture.Load(_folder["a.png"]);
        Assert.Equal((255, 255, 255), picture[0, 0]);
        Assert.Equal((200, 100, 0), picture[1, 0]);
        Assert.Equal((227, 177, 127), picture[2, 0]);
    }

    [Theory]
    [InlineData(1, "abcdef")]
    [InlineData(2, "cbafed")]
    [InlineData(3, "fedcba")]
    [InlineData(4, "defabc")]
    [InlineData(5, "adbecf")]
    [InlineData(6, "daebfc")]
    [InlineData(7, "fcebda")]
    [InlineData(8, "cfbead")]
    public void A_jpeg_stands_upright_as_its_exif_data_says(byte orientation, string upright)
    {
        // Six blocks of 16 × 16 pixels, a…f in grey levels 20 … 220, stored in rows of three.
        var levels = new byte[48 * 32 * 3];
        for (var i = 0; i < levels.Length / 3; i++) levels.AsSpan(3 * i, 3).Fill((byte)(20 + 40 * (i % 48 / 16 + 3 * (i / 48 / 16))));
        new Picture(48, 32, levels).Save(_folder["stored.jpg"]);
        var stored = File.ReadAllBytes(_folder["stored.jpg"]);
        byte[] exif = [0xFF, 0xE1, 0, 34, .. "Exif\0\0II*\0"u8, 8, 0, 0, 0, 1, 0, 0x12, 1, 3, 0, 1, 0, 0, 0, orientation, 0, 0, 0, 0, 0, 0, 0];
        File.WriteAllBytes(_folder["turned.jpg"], [.. stored[..2], .. exif, .. stored[2..]]);
        var picture = Picture.Load(_folder["turned.jpg"]);
        var columns = orientation < 5 ? 3 : 2;
        Assert.Equal(16 * columns, picture.Width);
        var seen = Enumerable.Range(0, 6).Select(i => (char)('a' + (picture[i % columns * 16 + 8, i / columns * 16 + 8].Red - 20 + 20) / 40));
        Assert.Equal(upright, string.Concat(seen));
    }

    [Fact]
    public void A_picture_bomb_is_refused_by_its_header()
    {
        var png = Gradient(2, 2).ToPng();
        // 60,000 × 60,000 in the header, its checksum set right.
        new byte[] { 0, 0, 0xEA, 0x60, 0, 0, 0xEA, 0x60 }.CopyTo(png, 16);
        System.Buffers.Binary.BinaryPrimitives.WriteUInt32BigEndian(png.AsSpan(29), System.IO.Hashing.Crc32.HashToUInt32(png.AsSpan(12, 17)));
        File.WriteAllBytes(_folder["bomb.png"], png);
        Assert.Contains("60000×60000", Assert.Throws<DiffSynthException>(() => Picture.Load(_folder["bomb.png"])).Message);
    }

    [Fact]
    public void A_truncated_file_and_a_file_of_another_kind_are_refused()
    {
        var png = Gradient(64, 64).ToPng();
        File.WriteAllBytes(_folder["cut.png"], png[..(png.Length / 2)]);
        File.WriteAllText(_folder["text.png"], "not a picture");
        Assert.Contains("is damaged", Assert.Throws<DiffSynthException>(() => Picture.Load(_folder["cut.png"])).Message);
        Assert.Contains("is no picture", Assert.Throws<DiffSynthException>(() => Picture.Load(_folder["text.png"])).Message);
        Assert.Contains("There is no picture", Assert.Throws<DiffSynthException>(() => Picture.Load(_folder["none.png"])).Message);
    }

    [Fact]
    public void Bytes_survive_the_way_through_a_tensor()
    {
        var picture = new Picture(16, 16, [.. Enumerable.Range(0, 768).Select(i => (byte)i)]);
        using var tensor = picture.ToTensor();
        Assert.Equal([1, 3, 16, 16], tensor.shape);
        Assert.Equal(-1f, tensor[0, 0, 0, 0].item<float>());
        Assert.Equal(1f, tensor.max().item<float>());
        Assert.Equal(picture.Rgb.ToArray(), Assert.Single(tensor.ToPictures()).Rgb.ToArray());
    }

    [Fact]
    public void Values_round_to_the_nearest_or_down_and_are_clipped()
    {
        // (v / 2 + 0.5) × 255 = 127.5, 2.4, 2.6; beyond both ends; no number.
        float[] values = [0, 2.4f / 127.5f - 1, 2.6f / 127.5f - 1, -3, 3, float.NaN];
        using var tensor = TorchSharp.torch.tensor(values).reshape(1, 1, 1, 6).expand(1, 3, 1, 6);
        byte[] Reds(ByteRounding rounding) => [.. Enumerable.Range(0, 6).Select(x => tensor.ToPictures(rounding)[0][x, 0].Red)];
        Assert.Equal([128, 2, 3, 0, 255, 0], Reds(ByteRounding.Nearest));
        Assert.Equal([127, 2, 2, 0, 255, 0], Reds(ByteRounding.Truncate));
    }

    private static Picture Gradient(int width, int height)
    {
        byte[] Colour(int x, int y) => [(byte)(x * 255 / width), (byte)(y * 255 / height), (byte)(255 - x * 200 / width)];
        return new(width, height, [.. Enumerable.Range(0, width * height).SelectMany(i => Colour(i % width, i / width))]);
    }
}
