using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace DiffSynthSharp.Adapters.Lora;

/// <summary>A module as PEFT's configuration speaks of it.</summary>
/// <param name="Place">The layer.</param>
/// <param name="Rank">Rows of its thin factor.</param>
/// <param name="Alpha">The change is scaled by alpha / rank.</param>
/// <param name="IsWeightDecomposed">Whether it is a DoRA.</param>
internal sealed record PeftModule(LoraPlace Place, long Rank, double Alpha, bool IsWeightDecomposed);

/// <summary>The header's note from which diffusers makes PEFT's configuration.</summary>
/// <remarks>huggingface/diffusers loaders/lora_base.py, <c>LORA_ADAPTER_METADATA_KEY</c>, <c>_pack_dict_with_prefix</c>: every network's <c>LoraConfig</c>
/// behind the network's name, with the commonest rank and alpha as defaults and patterns for the others.</remarks>
internal static class PeftNote
{
    private static readonly JsonWriterOptions s_plainText = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The note's text.</summary>
    /// <param name="modules">Every module of the file.</param>
    public static string Of(IEnumerable<PeftModule> modules)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, s_plainText))
        {
            json.WriteStartObject();
            foreach (var network in modules.GroupBy(module => module.Place.Network).OrderByDescending(network => network.Key, StringComparer.Ordinal))
                Write(json, network.Key, [.. network]);
            json.WriteEndObject();
        }
        return Encoding.UTF8.GetString(buffer.ToArray());
    }

    private static void Write(Utf8JsonWriter json, string network, IReadOnlyList<PeftModule> modules)
    {
        var rank = modules.CountBy(module => module.Rank).MaxBy(count => count.Value).Key;
        var alpha = modules.CountBy(module => module.Alpha).MaxBy(count => count.Value).Key;
        json.WriteString($"{network}.peft_type", "LORA");
        json.WriteNumber($"{network}.r", rank);
        WriteNumber(json, $"{network}.lora_alpha", alpha);
        json.WriteStartObject($"{network}.rank_pattern");
        foreach (var module in modules.Where(module => module.Rank != rank)) json.WriteNumber(module.Place.Canonical, module.Rank);
        json.WriteEndObject();
        json.WriteStartObject($"{network}.alpha_pattern");
        foreach (var module in modules.Where(module => module.Alpha != alpha)) WriteNumber(json, module.Place.Canonical, module.Alpha);
        json.WriteEndObject();
        json.WriteStartArray($"{network}.target_modules");
        foreach (var module in modules) json.WriteStringValue(module.Place.Canonical);
        json.WriteEndArray();
        json.WriteBoolean($"{network}.use_dora", modules.Any(module => module.IsWeightDecomposed));
        json.WriteBoolean($"{network}.use_rslora", false);
        json.WriteBoolean($"{network}.lora_bias", false);
    }

    private static void WriteNumber(Utf8JsonWriter json, string name, double value)
    {
        const double wholeBelow = 1L << 53;
        if (double.IsInteger(value) && Math.Abs(value) < wholeBelow) json.WriteNumber(name, (long)value);
        else json.WriteNumber(name, value);
    }
}
