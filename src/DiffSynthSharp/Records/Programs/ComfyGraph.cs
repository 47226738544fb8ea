using System.Globalization;
using System.Text.Json;

namespace DiffSynthSharp.Records.Programs;

/// <summary>One node of a graph.</summary>
/// <param name="Id">Its key in the graph.</param>
/// <param name="Kind">Its class, such as KSampler.</param>
/// <param name="Inputs">Values, or links of the form [id, output].</param>
internal sealed record ComfyNode(string Id, string Kind, JsonElement Inputs);

/// <summary>A graph of nodes that take each other's outputs.</summary>
/// <remarks>comfyanonymous/ComfyUI: the JSON that its server runs, kept in the PNG text <c>prompt</c>.</remarks>
internal sealed class ComfyGraph
{
    private const int DeepestChain = 100;

    private static readonly string[] s_valueNames = ["text", "value", "string", "seed", "int", "float", "number", "prompt", "noise_seed", "Text", "Value"];

    private readonly Dictionary<string, ComfyNode> _nodes = new(StringComparer.Ordinal);

    public ComfyGraph(JsonElement root)
    {
        foreach (var property in root.EnumerateObject())
            if (property.Value.ValueKind == JsonValueKind.Object
                && property.Value.TryGetProperty("class_type", out var kind) && kind.ValueKind == JsonValueKind.String
                && property.Value.TryGetProperty("inputs", out var inputs) && inputs.ValueKind == JsonValueKind.Object)
                _nodes[property.Name] = new(property.Name, kind.GetString()!, inputs);
    }

    /// <summary>All nodes in the order of the text.</summary>
    public IEnumerable<ComfyNode> Nodes => _nodes.Values;

    /// <summary>The node that one of several inputs takes its value from; null when all have values of their own.</summary>
    public ComfyNode? Link(ComfyNode node, params IEnumerable<string> inputs) => inputs.Select(input => LinkOf(node, input)).FirstOrDefault(found => found is not null);

    /// <summary>The nodes that are reached by following an input, then one of others, and so on.</summary>
    public IEnumerable<ComfyNode> Chain(ComfyNode from, string first, params IReadOnlyList<string> then)
    {
        var seen = new HashSet<string> { from.Id };
        for (var node = Link(from, first); node is not null && seen.Add(node.Id); node = Link(node, [first, .. then])) yield return node;
    }

    /// <summary>An input's value as text, followed through nodes that hold nothing but a value; null when there is none.</summary>
    public string? Value(ComfyNode node, string input)
    {
        for (var depth = 0; depth < DeepestChain; depth++)
        {
            if (!node.Inputs.TryGetProperty(input, out var value)) return null;
            if (value.ValueKind == JsonValueKind.String) return value.GetString();
            if (value.ValueKind is JsonValueKind.Number or JsonValueKind.True or JsonValueKind.False) return value.GetRawText();
            if (LinkOf(node, input) is not { } next) return null;
            node = next;
            input = s_valueNames.FirstOrDefault(name => next.Inputs.TryGetProperty(name, out _)) ?? "";
        }
        return null;
    }

    /// <summary>An input's value as a number.</summary>
    public double? Number(ComfyNode node, string input)
        => double.TryParse(Value(node, input), NumberStyles.Float, CultureInfo.InvariantCulture, out var number) ? number : null;

    /// <summary>The nodes upstream of one, each once, the nearest first.</summary>
    public IEnumerable<ComfyNode> Upstream(ComfyNode node)
    {
        var (seen, queue) = (new HashSet<string>(), new Queue<ComfyNode>([node]));
        while (queue.TryDequeue(out var next))
        {
            if (!seen.Add(next.Id)) continue;
            yield return next;
            foreach (var input in next.Inputs.EnumerateObject())
                if (LinkOf(next, input.Name) is { } before) queue.Enqueue(before);
        }
    }

    private ComfyNode? LinkOf(ComfyNode node, string input)
        => node.Inputs.TryGetProperty(input, out var link) && link.ValueKind == JsonValueKind.Array && link.GetArrayLength() == 2
            && link[0].ValueKind == JsonValueKind.String && _nodes.TryGetValue(link[0].GetString()!, out var found) ? found : null;
}
