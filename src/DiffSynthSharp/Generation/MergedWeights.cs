using System.Diagnostics;
using System.Text.Json.Nodes;
using DiffSynthSharp.Families.StableDiffusion;
using DiffSynthSharp.Layers;
using DiffSynthSharp.Weights;
using static TorchSharp.torch;

namespace DiffSynthSharp.Generation;

/// <summary>A file of weights to be written.</summary>
/// <param name="Path">The file to make.</param>
/// <param name="Tensors">What it will hold.</param>
/// <param name="Component">What the networks' tensors are known by: the source of their weights.</param>
/// <param name="Metadata">The notes of what it is made from.</param>
internal readonly record struct MergedFile(string Path, ITensorSource Tensors, WeightSource Component, IReadOnlyDictionary<string, string> Metadata);

/// <summary>The weights of a model with what the adapters on its networks change of them, one tensor at a time.</summary>
internal sealed class MergedWeights
{
    private readonly Dictionary<(ITensorSource Source, string Name), (Leaf Leaf, string Parameter)> _carriers = [];
    private readonly StoredType? _type;
    private readonly IReadOnlyList<JsonObject> _note;
    private readonly IProgress<GenerationProgress>? _progress;
    private readonly CancellationToken _cancellation;
    private readonly Stopwatch _clock = new();
    private int _done;
    private int _total;

    /// <param name="outline">The networks, with adapters on them.</param>
    /// <param name="type">The element type of what is written; null for each tensor's own.</param>
    /// <param name="note">What to say in the headers.</param>
    /// <param name="progress">Told after each tensor.</param>
    /// <param name="cancellation">Stops between two tensors.</param>
    public MergedWeights(StableDiffusionOutline outline, StoredType? type, IReadOnlyList<JsonObject> note, IProgress<GenerationProgress>? progress, CancellationToken cancellation)
    {
        (_type, _note, _progress, _cancellation) = (type, note, progress, cancellation);
        foreach (var (network, weights) in outline.Parts)
            foreach (var (name, module) in network.Network.named_modules())
                if (module is Leaf { HasDeltas: true } leaf)
                    foreach (var parameter in (string[])["weight", "bias"])
                        if (weights.TryGet($"{name}.{parameter}", out var found) && found.Pieces is [{ IsWhole: true, Entry: var entry }] && !found.IsTransposed) _carriers[(weights.Source, entry.Name)] = (leaf, parameter);
    }

    /// <summary>Tensors that adapters changed, so far.</summary>
    public int Changed { get; private set; }

    /// <summary>Whether any tensor of a component will be written otherwise than it is.</summary>
    public bool Touches(WeightSource component) => _type is not null || _carriers.Keys.Any(key => key.Source == component);

    /// <summary>Writes files, one after another.</summary>
    /// <exception cref="DiffSynthException">A file can't be written, or a value has no room in its type.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public void WriteAll(IReadOnlyList<MergedFile> files)
    {
        _total = files.Sum(file => file.Tensors.Entries.Count);
        _clock.Restart();
        foreach (var file in files)
        {
            var sources = file.Tensors.Entries;
            string? last = null;
            SafetensorsWriter.Write(file.Path, sources.Values.Select(entry => new TensorEntry(entry.Name, TypeOf(entry), entry.Shape)), target =>
            {
                _cancellation.ThrowIfCancellationRequested();
                if (last is not null) Written(file, last);
                return Read(file, sources[last = target.Name]);
            }, MergeNote.AddTo(file.Metadata, _note));
            if (last is not null) Written(file, last);
        }
    }

    private StoredType TypeOf(TensorEntry entry) => _type is { } type && entry.Type.IsFloat() ? type : entry.Type;

    private void Written(MergedFile file, string name)
    {
        if (file.Tensors.Entries[name].Type.IsFloat())
        {
            using var rows = file.Tensors.Store(name);
            rows.DropPages(0, rows.Rows);
        }
        _progress?.Report(new(GenerationPhase.Write, ++_done, _total, _clock.Elapsed.TotalSeconds / _done));
    }

    private Tensor Read(MergedFile file, TensorEntry entry)
    {
        using var scope = NewDisposeScope();
        var stored = file.Tensors.Read(entry.Name);
        if (_carriers.TryGetValue((file.Component, entry.Name), out var carrier) && ChangeOf(carrier.Leaf, carrier.Parameter, stored) is { } change)
        {
            Changed++;
            stored = stored.to(ScalarType.Float32) + change.reshape(entry.Shape);
        }
        return stored.ToStored(TypeOf(entry), entry.Name).MoveToOuterDisposeScope();
    }

    // Files hold a convolution of one cell as a linear layer's weight, and the other way about.
    private static Tensor? ChangeOf(Leaf leaf, string parameter, Tensor stored) => leaf.ChangeOf(parameter, stored.to(ScalarType.Float32).reshape(leaf.ShapeOf(parameter)!));
}
