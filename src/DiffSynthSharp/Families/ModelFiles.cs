using DiffSynthSharp.Weights;

namespace DiffSynthSharp.Families;

/// <summary>
/// The files of a model, opened but not read: a checkpoint or a diffusers folder, with files for single parts named beside it or found beside it.
/// </summary>
internal sealed class ModelFiles : IDisposable
{
    private static readonly string[] s_siblings = ["text_encoders", "clip", "vae"];
    private readonly Dictionary<string, WeightSource> _open = [];
    private readonly Dictionary<PartKind, ModelPart?> _parts = [];
    private readonly LoadOptions _options;
    private readonly List<string> _notes = [];
    private readonly WeightSource? _file;

    private ModelFiles(string path, LoadOptions options)
    {
        (Path, _options) = (path, options);
        IsFolder = Directory.Exists(path);
        if (!IsFolder && !File.Exists(path)) throw new DiffSynthException($"There is no file or folder '{path}'. Name a checkpoint (.safetensors, .ckpt, .gguf) or a diffusers folder.");
        if (!IsFolder) _file = Source(path);
        else (Scheduler, Index) = (ConfigFile.TryRead(In("scheduler", "scheduler_config.json")), ConfigFile.TryRead(In("model_index.json")));
    }

    /// <summary>What the user named.</summary>
    public string Path { get; }

    public bool IsFolder { get; }

    /// <summary>The folder's <c>scheduler/scheduler_config.json</c>.</summary>
    public ConfigFile? Scheduler { get; }

    /// <summary>The folder's <c>model_index.json</c>.</summary>
    public ConfigFile? Index { get; }

    /// <summary>Everything that the files opened so far hold, for reports.</summary>
    public IEnumerable<TensorEntry> Entries => _open.Values.SelectMany(source => source.Entries.Values);

    /// <summary>The files and component folders that were opened so far, the model's own file first.</summary>
    public IReadOnlyList<WeightSource> Sources => [.. _open.Values];

    /// <summary>The model's own file, or those of its components that are there; nothing that options name or that lies beside it.</summary>
    /// <param name="folders">Sub-folders that components may have.</param>
    public IReadOnlyList<ITensorSource> Own(IEnumerable<string> folders)
        => IsFolder ? [.. folders.Select(folder => In(folder)).Where(folder => Directory.Exists(folder) && WeightSource.HasWeights(folder)).Select(Source)] : [_file!];

    /// <summary>Lines for the user: parts that were found beside the model's file.</summary>
    public IReadOnlyList<string> Notes => _notes;

    /// <summary>Opens a model without reading its tensors.</summary>
    /// <param name="path">A checkpoint or a folder.</param>
    /// <param name="options">Names files for single parts.</param>
    /// <exception cref="DiffSynthException">It is missing, damaged or hostile.</exception>
    public static ModelFiles Open(string path, LoadOptions? options = null) => new(path, options ?? new());

    /// <summary>A network of the model, or null when there is none of this kind.</summary>
    /// <exception cref="DiffSynthException">A file that was named for it is missing, damaged, or holds something else.</exception>
    public ModelPart? Find(PartKind kind) => _parts.TryGetValue(kind, out var known) ? known : _parts[kind] = Search(kind);

    /// <summary>Where a part that isn't in the model's own file or folder was looked for.</summary>
    public IReadOnlyList<string> PlacesOf(PartKind kind) => IsFolder ? [In(kind.Folder)] : [Path, .. Beside(kind)];

    /// <summary>How a part came in: by the option's name, "beside" the model's file, or with the "model" itself.</summary>
    public string OriginOf(PartKind kind, ModelPart part) => kind.Option?.Given(_options) is not null ? kind.Option.Name : IsFolder || part.Weights.Source == _file ? "model" : "beside";

    /// <summary>A folder that was named by an option, for the tokenizers of single files.</summary>
    public string? Tokenizers => _options.Tokenizers;

    private ModelPart? Search(PartKind kind)
    {
        if (kind.Option?.Given(_options) is { } given) return Named(kind, given);
        if (IsFolder) return Directory.Exists(In(kind.Folder)) ? InFolder(kind, In(kind.Folder)) : null;
        if (In(kind, _file!, null) is { } own) return own;
        if (Beside(kind).FirstOrDefault(File.Exists) is not { } beside) return null;
        var part = In(kind, Source(beside), null);
        if (part is not null) _notes.Add($"The {kind.Name} is '{beside}', found beside the model.");
        return part;
    }

    private ModelPart Named(PartKind kind, string path)
    {
        if (!Directory.Exists(path) && !File.Exists(path)) throw new DiffSynthException($"There is no file or folder '{path}' for the {kind.Name} ({kind.Option}).");
        if ((Directory.Exists(path) ? InFolder(kind, path) : In(kind, Source(kind, path), null)) is { } part) return part;
        throw new DiffSynthException($"'{path}' holds no {kind.Name}, which {kind.Option} is for. {Instead(_open[path])}");
    }

    // A file of one part is told by the option that it should have been given to; others by what their names look like.
    private static string Instead(WeightSource source)
        => FamilyCatalogue.All.SelectMany(family => family.Parts).Select(part => part.Kind).FirstOrDefault(kind => kind.Option is not null && In(kind, source, null)?.Weights.Prefix.Length == 0) is { Option: { } option }
            ? $"It holds {option.What}, which {option} is for." : FamilySigns.Describe(source);

    private ModelPart? InFolder(PartKind kind, string folder) => In(kind, Source(kind, folder), ConfigFile.TryRead(System.IO.Path.Combine(folder, "config.json")));

    private static ModelPart? In(PartKind kind, WeightSource source, ConfigFile? config)
        => kind.Prefixes.Select(prefix => ComponentWeights.Find(source, prefix, kind.Keys)).FirstOrDefault(found => found is not null && kind.IsIt(found)) is { } weights
            ? new ModelPart(weights, config)
            : null;

    // As people keep them: beside the checkpoint, or in the sibling folders that other programs have for each kind.
    private IEnumerable<string> Beside(PartKind kind)
    {
        var folder = System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(Path))!;
        string[] siblings = [folder, .. s_siblings.SelectMany(name => new[] { System.IO.Path.Combine(folder, name), System.IO.Path.GetFullPath(System.IO.Path.Combine(folder, "..", name)) })];
        return from place in siblings from file in kind.Published select System.IO.Path.Combine(place, file.Name);
    }

    private WeightSource Source(PartKind kind, string path)
    {
        try
        {
            return Source(path);
        }
        catch (DiffSynthException e)
        {
            throw new DiffSynthException($"The {kind.Name} can't be read: {e.Message}", e);
        }
    }

    private WeightSource Source(string path)
    {
        if (_open.TryGetValue(path, out var known)) return known;
        return _open[path] = Directory.Exists(path) ? WeightSource.OpenFolder(path) : WeightSource.OpenFile(path);
    }

    private string In(params string[] names) => System.IO.Path.Combine([Path, .. names]);

    public void Dispose()
    {
        foreach (var source in _open.Values) source.Dispose();
    }
}
