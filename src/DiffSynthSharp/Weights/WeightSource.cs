using static TorchSharp.torch;

namespace DiffSynthSharp.Weights;

/// <summary>The weights of one component, wherever they lie: a file, a set of shards, or a component's folder as diffusers and transformers write it.</summary>
internal sealed class WeightSource : ITensorSource, IDisposable
{
    private static readonly string[] s_names = ["diffusion_pytorch_model", "model", "pytorch_model"];
    private const string HalfPrecision = "fp16";
    private const int NamedTensors = 5;

    private readonly List<WeightFile> _files = [];
    private readonly Dictionary<string, WeightFile> _owners = [];
    private readonly Dictionary<string, TensorEntry> _entries = [];

    private WeightSource(string path) => Path = path;

    /// <summary>The file that was opened: the checkpoint itself, or the index of its shards.</summary>
    public string Path { get; }

    /// <summary>The tensors of all files by name.</summary>
    public IReadOnlyDictionary<string, TensorEntry> Entries => _entries;

    /// <summary>The notes of the first file.</summary>
    public IReadOnlyDictionary<string, string> Metadata => _files[0].Metadata;

    /// <summary>The files that were opened: the checkpoint, or its shards.</summary>
    public IReadOnlyList<WeightFile> Files => _files;

    /// <summary>Opens a checkpoint file, or a sharded checkpoint by its index or any of its parts.</summary>
    /// <param name="path">A safetensors file, a PyTorch checkpoint, or an index (<c>*.json</c>).</param>
    /// <exception cref="DiffSynthException">A file is missing, damaged or hostile, or a shard lacks a tensor that the index promises.</exception>
    public static WeightSource OpenFile(string path)
    {
        if (path.EndsWith(".json", StringComparison.OrdinalIgnoreCase)) return Fill(path, source => source.AddShards(ShardIndex.Read(path)));
        var indices = ShardIndex.OfPart(path).ToList();
        if (indices.Count == 0 || !File.Exists(path)) return Fill(path, source => source.Add(WeightFile.Open(path)));
        return OpenFile(indices.Find(File.Exists)
            ?? throw new DiffSynthException($"'{path}' is one part of a larger checkpoint whose index is missing: expected '{indices[^1]}'."));
    }

    /// <summary>Opens the weights in a component's folder, such as <c>unet/</c>.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="variant">Takes files of this variant only, such as <c>fp16</c>; null takes the plain files, and half precision where there are no
    /// others.</param>
    /// <exception cref="DiffSynthException">There are none, or as for <see cref="OpenFile"/>.</exception>
    public static WeightSource OpenFolder(string folder, string? variant = null)
    {
        if (!Directory.Exists(folder)) throw new DiffSynthException($"There is no folder '{folder}'.");
        var candidates = Candidates(variant).ToList();
        return candidates.Select(name => System.IO.Path.Combine(folder, name)).FirstOrDefault(File.Exists) is { } found
            ? OpenFile(found)
            : throw new DiffSynthException($"The folder '{folder}' has no weights. Looked for {string.Join(", ", candidates)}.");
    }

    /// <summary>True when a folder holds weights that <see cref="OpenFolder"/> would open.</summary>
    public static bool HasWeights(string folder, string? variant = null) => Candidates(variant).Any(name => File.Exists(System.IO.Path.Combine(folder, name)));

    /// <inheritdoc cref="WeightFile.Read"/>
    public Tensor Read(string name) => Owner(name).Read(name);

    /// <inheritdoc/>
    public StoredRows Store(string name, float[]? scale = null) => Owner(name).Store(name, scale);

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var file in _files) file.Dispose();
    }

    private static IEnumerable<string> Candidates(string? variant)
    {
        string?[] variants = variant is null ? [null, HalfPrecision] : [variant];
        foreach (var extension in (string[])["safetensors", "bin"])
            foreach (var kind in variants)
                foreach (var name in s_names)
                {
                    var infix = kind is null ? "" : $".{kind}";
                    yield return $"{name}{infix}.{extension}";
                    yield return $"{name}.{extension}.index{infix}.json";
                }
    }

    private static WeightSource Fill(string path, Action<WeightSource> fill)
    {
        var source = new WeightSource(path);
        try
        {
            fill(source);
            return source;
        }
        catch
        {
            source.Dispose();
            throw;
        }
    }

    private WeightFile Owner(string name) => _owners.TryGetValue(name, out var file) ? file
        : throw new DiffSynthException($"'{Path}' has no tensor '{OneLine.Of(name)}'.");

    private void Add(WeightFile file)
    {
        _files.Add(file);
        foreach (var (name, entry) in file.Entries) (_owners[name], _entries[name]) = (file, entry);
    }

    private void AddShards(IReadOnlyDictionary<string, string> index)
    {
        var shards = new Dictionary<string, WeightFile>();
        foreach (var path in index.Values.Distinct().Order(StringComparer.Ordinal))
        {
            if (!File.Exists(path)) throw new DiffSynthException($"The checkpoint '{Path}' is incomplete: its part '{path}' is missing.");
            Add(shards[path] = WeightFile.Open(path));
        }
        var missing = index.Where(item => !shards[item.Value].Entries.ContainsKey(item.Key)).Select(item => item.Key).ToList();
        if (missing.Count > 0)
            throw new DiffSynthException($"The checkpoint '{Path}' is incomplete: its parts lack {missing.Count} of the tensors that the index lists, "
                + $"{OneLine.Of(string.Join(", ", missing.Take(NamedTensors).Select(name => $"'{name}'")))}{(missing.Count > NamedTensors ? ", …" : "")}.");
        foreach (var (name, path) in index) (_owners[name], _entries[name]) = (shards[path], shards[path].Entries[name]);
    }
}
