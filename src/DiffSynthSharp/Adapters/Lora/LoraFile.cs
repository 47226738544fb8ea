using DiffSynthSharp.Weights;
using static TorchSharp.torch;

namespace DiffSynthSharp.Adapters.Lora;

/// <summary>An adapter file of any published layout, open for reading: its modules are listed and consistent, no factor has been read.</summary>
internal sealed class LoraFile : IDisposable
{
    private readonly WeightFile _file;

    private LoraFile(WeightFile file)
    {
        _file = file;
        var alphas = PeftAlphas.Of(file.Path, file.Metadata);
        var parts = new Dictionary<string, (LoraLayout Layout, Dictionary<LoraRole, TensorEntry> Parts)>(StringComparer.Ordinal);
        foreach (var (name, entry) in file.Entries)
        {
            if (LoraKey.Parse(name, file.Entries.ContainsKey) is not { } key)
            {
                Strays.Add(name);
                continue;
            }
            if (!parts.TryGetValue(key.Module, out var module)) parts[key.Module] = module = (key.Layout, []);
            if (key.Layout != LoraLayout.Kohya) parts[key.Module] = module = (key.Layout, module.Parts);
            if (!module.Parts.TryAdd(key.Role, entry))
                throw Damaged($"holds '{OneLine.Of(key.Module)}' twice, as '{OneLine.Of(module.Parts[key.Role].Name)}' and as '{OneLine.Of(name)}'");
        }
        Modules = [.. parts.Select(module => Checked(new LoraModule(module.Key, module.Value.Layout, module.Value.Parts), alphas)).OrderBy(module => module.Canonical, StringComparer.Ordinal)];
        if (Modules.Count == 0) throw NoAdapter();
        Layout = Modules.CountBy(module => module.Layout).MaxBy(layout => layout.Value).Key;
    }

    public string Path => _file.Path;

    /// <summary>The file's own notes.</summary>
    public IReadOnlyDictionary<string, string> Metadata => _file.Metadata;

    /// <summary>Every tensor of the file.</summary>
    public IReadOnlyDictionary<string, TensorEntry> Entries => _file.Entries;

    /// <summary>The layout of most modules.</summary>
    public LoraLayout Layout { get; }

    /// <summary>What the file changes.</summary>
    public IReadOnlyList<LoraModule> Modules { get; }

    /// <summary>Tensors that belong to no adapter.</summary>
    public List<string> Strays { get; } = [];

    /// <summary>Opens a file; its content decides how it is read.</summary>
    /// <param name="path">A safetensors file or a PyTorch checkpoint.</param>
    /// <exception cref="DiffSynthException">The file is missing, damaged, hostile, or no adapter; the message says which.</exception>
    public static LoraFile Open(string path) => Of(WeightFile.Open(path));

    /// <summary>Opens a file that is in memory.</summary>
    /// <param name="content">The file's bytes; they are copied.</param>
    /// <param name="name">What errors call it.</param>
    /// <exception cref="DiffSynthException">As for <see cref="Open(string)"/>.</exception>
    public static LoraFile Open(ReadOnlySpan<byte> content, string name) => Of(WeightFile.Open(content, name));

    private static LoraFile Of(WeightFile file)
    {
        try
        {
            return new LoraFile(file);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Reads a module's tensor as stored. The caller owns it; it stays valid after this file is disposed.</summary>
    public Tensor Read(LoraModule module, LoraRole role) => Read(module[role].Name);

    /// <summary>Reads a tensor as stored. The caller owns it; it stays valid after this file is disposed.</summary>
    public Tensor Read(string name) => _file.Read(name);

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    private LoraModule Checked(LoraModule module, PeftAlphas alphas)
    {
        if (module.IsComplete && LoraShapes.Fault(module) is { } fault) throw Damaged($"is no valid adapter: in the module '{OneLine.Of(module.Name)}', {fault}");
        var (alpha, isStabilized) = module.Has(LoraRole.Alpha) ? (Number(module[LoraRole.Alpha]), false) : alphas.For(module.Network, module.Name);
        return alpha is null ? module : new LoraModule(module, alpha.Value, isStabilized);
    }

    private double Number(TensorEntry entry)
    {
        if (entry.Elements != 1) throw Damaged($"is no valid adapter: '{OneLine.Of(entry.Name)}' should hold one number, its shape is {entry.ShapeText}");
        using var stored = _file.Read(entry.Name);
        using var wide = stored.to(ScalarType.Float64);
        var value = wide.item<double>();
        return double.IsFinite(value) ? value : throw Damaged($"is no valid adapter: '{OneLine.Of(entry.Name)}' is {value}");
    }

    private DiffSynthException Damaged(string what) => new($"'{Path}' {what}.");

    private DiffSynthException NoAdapter() => new(
        $"'{Path}' is no LoRA of a kind that is known here: none of its {_file.Entries.Count} tensors is called like '….lora_down.weight' or '….lora_A.weight'"
        + (_file.Entries.Count == 0 ? "." : $"; the first is '{OneLine.Of(_file.Entries.Keys.First())}'.{(FamilySigns.Words(FamilySigns.Look([_file])) is { } kind ? $" It looks like {kind}." : "")}"));
}
