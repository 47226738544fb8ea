using System.Text.Json;

namespace DiffSynthSharp.Runtime;

/// <summary>Makes sure that every text in a JSON document is one.</summary>
internal static class JsonText
{
    /// <summary>Looks at all names and values. JSON may escape half a surrogate pair, which is no text: whoever asked for it later would fail.</summary>
    /// <param name="value">A parsed document's root, or a part.</param>
    /// <exception cref="JsonException">There is such a half.</exception>
    public static void Check(JsonElement value)
    {
        try
        {
            Visit(value);
        }
        catch (InvalidOperationException e)
        {
            throw new JsonException(e.Message, e);
        }
    }

    private static void Visit(JsonElement value)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.String:
                _ = value.GetString();
                break;
            case JsonValueKind.Array:
                foreach (var item in value.EnumerateArray()) Visit(item);
                break;
            case JsonValueKind.Object:
                foreach (var item in value.EnumerateObject())
                {
                    _ = item.Name;
                    Visit(item.Value);
                }
                break;
        }
    }
}
