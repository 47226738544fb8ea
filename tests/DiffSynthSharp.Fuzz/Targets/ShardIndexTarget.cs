using DiffSynthSharp.Weights;

namespace DiffSynthSharp.Fuzz.Targets;

/// <summary>The index of a checkpoint in several files.</summary>
internal sealed class ShardIndexTarget : FuzzTarget
{
    public override string Name => "shard-index";

    public override IReadOnlyList<string> Words => ["\"weight_map\":{", "\"metadata\":", "model-00001-of-00002.safetensors", "..", "\\u0000", "\\ud800", "/"];

    public override void Read(byte[] input)
    {
        var folder = Path.GetFullPath("model");
        foreach (var file in ShardIndex.Parse(input, Path.Combine(folder, "model.safetensors.index.json")).Values)
            if (Path.GetDirectoryName(file) != folder || Path.GetFullPath(file) != file) throw new InvalidOperationException($"'{file}' is not in the index's folder.");
    }
}
