using System.Text.Json;

namespace DiffSynthSharp.Weights;

/// <summary>
/// The numbers by which a component's 8-bit weights are multiplied. They stand beside the weights as tensors of their own, which are no parameters:
/// <c>LAYER.scale_weight</c> with a marker <c>scaled_fp8</c>, or <c>LAYER.weight_scale</c> with a description <c>LAYER.comfy_quant</c>.
/// </summary>
/// <remarks>comfyanonymous/ComfyUI, comfy/ops.py (<c>scaled_fp8_ops</c>, <c>mixed_precision_ops</c>). Scales of inputs (<c>scale_input</c>, <c>input_scale</c>) are
/// for products in 8 bits and mean nothing here.</remarks>
internal sealed class WeightScales
{
    private const string Marker = "scaled_fp8";
    private const string Description = ".comfy_quant";
    private const int MaxDescriptionBytes = 1 << 12;

    private static readonly string[] s_weights = [".scale_weight", ".weight_scale"];
    private static readonly string[] s_ignored = [".scale_input", ".input_scale"];
    private static readonly string[] s_formats = ["float8_e4m3fn", "float8_e5m2"];

    private readonly ITensorSource _source;
    private readonly Dictionary<string, TensorEntry> _byWeight = new(StringComparer.Ordinal);
    private readonly Dictionary<string, TensorEntry> _descriptions = new(StringComparer.Ordinal);

    private WeightScales(ITensorSource source) => _source = source;

    /// <summary>Takes the tensors that belong to scales out of a component's.</summary>
    /// <param name="source">Where they are read from.</param>
    /// <param name="entries">By name without the component's prefix; what is no weight is removed.</param>
    public static WeightScales TakeOut(ITensorSource source, Dictionary<string, TensorEntry> entries)
    {
        var scales = new WeightScales(source);
        entries.Remove(Marker);
        foreach (var name in entries.Keys.ToList())
        {
            var dot = name.LastIndexOf('.');
            if (dot < 0 || !entries.TryGetValue(name[..dot] + ".weight", out var weight)) continue;
            var ending = name[dot..];
            if (s_weights.Contains(ending)) scales._byWeight[weight.Name] = entries[name];
            else if (ending == Description) scales._descriptions[weight.Name] = entries[name];
            else if (!s_ignored.Contains(ending)) continue;
            entries.Remove(name);
        }
        return scales;
    }

    /// <summary>Whether a tensor has a scale.</summary>
    public bool Has(TensorEntry weight) => _byWeight.ContainsKey(weight.Name);

    /// <summary>The scale of a tensor: one number, or one for each index of the first axis; null when it has none.</summary>
    /// <exception cref="DiffSynthException">The scale has another size, or the weights are packed in a way that isn't known here.</exception>
    public float[]? Of(TensorEntry weight)
    {
        if (_descriptions.TryGetValue(weight.Name, out var description)) CheckFormat(weight, description);
        if (!_byWeight.TryGetValue(weight.Name, out var scale)) return null;
        if (!scale.Type.IsFloat() || scale.Elements != 1 && scale.Elements != StoredRows.RowsOf(weight))
            throw new DiffSynthException($"'{_source.Path}': '{OneLine.Of(scale.Name)}' is {scale.ShapeText} of {scale.TypeName}, expected one number or one for each row of {weight.ShapeText}.");
        using var stored = _source.Store(scale.Name);
        using var values = stored.Widened();
        return values.data<float>().ToArray();
    }

    private void CheckFormat(TensorEntry weight, TensorEntry description)
    {
        string? format = null;
        if (description.Type == StoredType.U8 && description.Elements is > 0 and <= MaxDescriptionBytes)
        {
            using var bytes = _source.Read(description.Name);
            format = FormatOf(bytes.data<byte>().ToArray());
        }
        if (!s_formats.Contains(format))
            throw new DiffSynthException($"'{_source.Path}': '{OneLine.Of(weight.Name)}' is packed as '{OneLine.Of(format ?? "?")}'; known are {string.Join(", ", s_formats)}. Use another file of the model.");
    }

    private static string? FormatOf(byte[] json)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            return document.RootElement.ValueKind == JsonValueKind.Object && document.RootElement.TryGetProperty("format", out var format) && format.ValueKind == JsonValueKind.String
                ? format.GetString() : null;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return null;
        }
    }
}
