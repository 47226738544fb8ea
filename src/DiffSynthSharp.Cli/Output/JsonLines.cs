using System.Text.Encodings.Web;
using System.Text.Json;

namespace DiffSynthSharp.Cli.Output;

/// <summary>One JSON object per line, names in snake_case.</summary>
internal static class JsonLines
{
    private static readonly JsonSerializerOptions s_options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    public static void Write(TextWriter to, object value) => to.WriteLine(JsonSerializer.Serialize(value, s_options));
}
