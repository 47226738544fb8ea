using TorchSharp.Utils;

namespace DiffSynthSharp.Layers;

/// <summary>
/// Names the checkpoint segment of a module's field, so that the module tree equals the author's own checkpoint.
/// Think of <c>JsonPropertyName</c>. A segment holds no dot.
/// </summary>
[AttributeUsage(AttributeTargets.Field)]
internal sealed class KeyAttribute : ComponentNameAttribute
{
    public KeyAttribute(string segment) => Name = segment;
}
