using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;
using DiffSynthSharp.Imaging;

namespace DiffSynthSharp.Records;

/// <summary>Requests as JSON: every value that is not null, pictures as the file they came from, their size and the hash of their pixels.</summary>
internal static class RecordJson
{
    private const string FileName = "file", HashName = "sha256", WidthName = "width", HeightName = "height";

    /// <summary>How records are written.</summary>
    public static JsonSerializerOptions Writing { get; } = Options(new PictureWriter());

    /// <summary>How requests are read.</summary>
    /// <param name="beside">A folder in which pictures are looked for that are no longer where they were.</param>
    /// <param name="say">Told of pictures that changed since.</param>
    public static JsonSerializerOptions Reading(string beside, Action<string> say) => Options(new PictureReader(beside, say));

    /// <summary>The hash of a picture's red, green and blue bytes.</summary>
    public static string HashOf(Picture picture) => Convert.ToHexStringLower(SHA256.HashData(picture.Rgb));

    private static JsonSerializerOptions Options(JsonConverter<Picture> pictures) => new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower, allowIntegerValues: false), pictures },
    };

    private sealed class PictureWriter : JsonConverter<Picture>
    {
        public override Picture Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => throw new NotSupportedException();

        public override void Write(Utf8JsonWriter writer, Picture value, JsonSerializerOptions options)
        {
            writer.WriteStartObject();
            if (value.Origin is { } origin) writer.WriteString(FileName, origin);
            writer.WriteString(HashName, HashOf(value));
            writer.WriteNumber(WidthName, value.Width);
            writer.WriteNumber(HeightName, value.Height);
            writer.WriteEndObject();
        }
    }

    private sealed class PictureReader(string beside, Action<string> say) : JsonConverter<Picture>
    {
        public override Picture Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
        {
            var stored = JsonElement.ParseValue(ref reader);
            var (hash, width, height) = (stored.GetProperty(HashName).GetString()!, stored.GetProperty(WidthName).GetInt32(), stored.GetProperty(HeightName).GetInt32());
            var file = stored.TryGetProperty(FileName, out var name) ? name.GetString() : null;
            if (file is null) throw new DiffSynthException($"A {width}x{height} picture of SHA-256 {ShortHash.Of(hash)} was used that came from no file, so it cannot be found again.");
            var picture = Picture.Load(Found(file, width, height, hash));
            // Resized before it was used: the same again.
            if ((picture.Width, picture.Height) != (width, height)) picture = picture.Resize(width, height);
            if (HashOf(picture) is var now && now != hash)
                say($"The picture '{file}' has changed: its pixels' SHA-256 was {ShortHash.Of(hash)} and is {ShortHash.Of(now)}.");
            return picture;
        }

        public override void Write(Utf8JsonWriter writer, Picture value, JsonSerializerOptions options) => throw new NotSupportedException();

        private string Found(string file, int width, int height, string hash)
        {
            string[] places = [file, Path.Combine(beside, Path.GetFileName(file))];
            return places.FirstOrDefault(place => !RemotePath.Is(place) && File.Exists(place))
                ?? throw new DiffSynthException($"The {width}x{height} picture '{file}' of SHA-256 {ShortHash.Of(hash)} is missing. Put it back there or beside the picture that is repeated.");
        }
    }
}

/// <summary>The part of a hash that people read.</summary>
internal static class ShortHash
{
    private const int Digits = 10;

    public static string Of(string hash) => hash.Length > Digits ? hash[..Digits] : hash;
}

/// <summary>Names of files on other machines. A picture from somewhere must not make this machine connect to another.</summary>
internal static class RemotePath
{
    public static bool Is(string path) => path.StartsWith(@"\\", StringComparison.Ordinal) || path.StartsWith("//", StringComparison.Ordinal);
}
