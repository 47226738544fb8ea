using System.Text.Json;
using DiffSynthSharp.Runtime;
using DiffSynthSharp.Weights;

namespace DiffSynthSharp.Adapters.Lora;

/// <summary>Alphas that PEFT's files keep beside the tensors: in the header, or in <c>adapter_config.json</c>.</summary>
/// <remarks>huggingface/diffusers loaders/lora_base.py, <c>lora_adapter_metadata</c>: <c>unet.lora_alpha</c>, <c>unet.alpha_pattern</c> …;
/// huggingface/peft tuners/lora/config.py. A pattern's key names a module, or ends its name.</remarks>
internal sealed class PeftAlphas
{
    /// <summary>The header's note.</summary>
    public const string Note = "lora_adapter_metadata";

    private const long LargestBytes = 4 << 20;
    private readonly Dictionary<string, Settings> _networks = new(StringComparer.Ordinal);

    private sealed record Settings(double? Alpha, IReadOnlyDictionary<string, double> Pattern, bool IsRankStabilized);

    /// <summary>Reads what goes with a file.</summary>
    /// <param name="path">The file; a configuration beside <c>adapter_model.*</c> is read.</param>
    /// <param name="metadata">Its header's notes.</param>
    /// <exception cref="DiffSynthException">It is there but no valid JSON object.</exception>
    public static PeftAlphas Of(string path, IReadOnlyDictionary<string, string> metadata)
    {
        var alphas = new PeftAlphas();
        if (metadata.TryGetValue(Note, out var note)) alphas.AddHeader(Parse(note, $"'{path}': the header's {Note}"));
        var config = Path.Combine(Path.GetDirectoryName(Path.GetFullPath(path))!, "adapter_config.json");
        if (Path.GetFileNameWithoutExtension(path) == "adapter_model" && File.Exists(config))
        {
            if (new FileInfo(config).Length > LargestBytes) throw new DiffSynthException($"'{config}' is larger than a configuration can be ({LargestBytes} bytes).");
            alphas._networks[""] = Read(Parse(File.ReadAllText(config), $"'{config}'"), "", $"'{config}'");
        }
        return alphas;
    }

    /// <summary>A module's alpha, or null when nothing is said about it.</summary>
    /// <param name="network">The network that the file names; null for none.</param>
    /// <param name="module">The module inside it.</param>
    /// <returns>The alpha, and whether it is divided by √rank.</returns>
    public (double? Alpha, bool IsRankStabilized) For(string? network, string module)
    {
        if (!_networks.TryGetValue(network ?? "", out var settings) && !_networks.TryGetValue("", out settings)) return (null, false);
        double? alpha = settings.Pattern.TryGetValue(module, out var exact) ? exact
            : settings.Pattern.Where(row => module.EndsWith($".{row.Key}", StringComparison.Ordinal)).Select(row => (double?)row.Value).FirstOrDefault();
        return (alpha ?? settings.Alpha, settings.IsRankStabilized);
    }

    private void AddHeader(JsonElement root)
    {
        foreach (var component in root.EnumerateObject().Select(item => item.Name.Split('.', 2)).Where(name => name.Length == 2).Select(name => name[0]).Distinct())
            _networks[component == "transformer" ? LoraNames.Denoiser : component] = Read(root, $"{component}.", $"the header's {Note}");
        if (_networks.Count == 0) _networks[""] = Read(root, "", $"the header's {Note}");
    }

    private static Settings Read(JsonElement root, string prefix, string what)
    {
        var pattern = new Dictionary<string, double>(StringComparer.Ordinal);
        if (root.TryGetProperty($"{prefix}alpha_pattern", out var rows) && rows.ValueKind == JsonValueKind.Object)
            foreach (var row in rows.EnumerateObject()) pattern[row.Name.TrimStart('^')] = Number(row.Value, $"{what}: the alpha of '{OneLine.Of(row.Name)}'");
        return new(
            root.TryGetProperty($"{prefix}lora_alpha", out var alpha) && alpha.ValueKind != JsonValueKind.Null ? Number(alpha, $"{what}: {prefix}lora_alpha") : null,
            pattern, root.TryGetProperty($"{prefix}use_rslora", out var stabilized) && stabilized.ValueKind == JsonValueKind.True);
    }

    private static double Number(JsonElement value, string what)
        => value.ValueKind == JsonValueKind.Number && double.IsFinite(value.GetDouble()) ? value.GetDouble() : throw new DiffSynthException($"{what} is no number.");

    private static JsonElement Parse(string text, string what)
    {
        try
        {
            using var document = JsonDocument.Parse(text);
            JsonText.Check(document.RootElement);
            if (document.RootElement.ValueKind == JsonValueKind.Object) return document.RootElement.Clone();
        }
        catch (JsonException e)
        {
            throw new DiffSynthException($"{what} is not valid JSON: {e.Message}", e);
        }
        throw new DiffSynthException($"{what} should be a JSON object.");
    }
}
