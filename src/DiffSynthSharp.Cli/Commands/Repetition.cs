namespace DiffSynthSharp.Cli.Commands;

/// <summary>A picture that is to be made again, or one like it.</summary>
/// <param name="Request">What its file asks for.</param>
internal sealed record Repetition(GenerationRequest Request)
{
    /// <summary>The picture's own record; null when another program made it.</summary>
    public PictureRecord? Record { get; private init; }

    /// <summary>The model's file or folder; null when only its name is known.</summary>
    public string? Model { get; private init; }

    /// <summary>What to say when no model is named.</summary>
    public string? ModelSought { get; private init; }

    /// <summary>The first digits of the model's hash; null when they aren't known.</summary>
    public string? ModelHash { get; private init; }

    /// <summary>The strength with which an initial picture was used; null without one.</summary>
    public double? Strength { get; private init; }

    /// <summary>Reads a picture file.</summary>
    /// <param name="path">The picture.</param>
    /// <param name="say">Told what changed since, and what of another program's text did not map.</param>
    /// <param name="without">Properties of the request that the command line replaces.</param>
    /// <exception cref="DiffSynthException">The file can't be read, or holds nothing that is known.</exception>
    public static Repetition Of(string path, Action<string> say, params IReadOnlyCollection<string> without)
    {
        if (PictureRecord.Read(path) is { } record)
        {
            var request = record.ToRequest(say, without);
            foreach (var difference in record.FileDifferences(request)) say(difference);
            return new(request) { Record = record, Model = record.Model, Strength = record.Strength };
        }
        var foreign = ForeignRecord.Read(path)
            ?? throw new DiffSynthException($"'{path}' doesn't say what made it: expected a picture made by this program, AUTOMATIC1111, ComfyUI, InvokeAI or SwarmUI, as that program wrote it.");
        say($"'{path}' was made by {foreign.Program}; the same request makes a picture alike here, not the same.");
        foreach (var line in foreign.NotMapped) say($"  not taken over: {line}");
        var name = foreign.Model is null ? "a model that it does not name" : $"the model '{foreign.Model}'{(foreign.ModelHash is null ? "" : $" of hash {foreign.ModelHash}")}";
        return new(foreign.Request)
        {
            ModelSought = $"'{path}' was made with {name}: name its file with --model.",
            ModelHash = foreign.ModelHash,
            Strength = foreign.Strength,
        };
    }

    /// <summary>The model to load: named by the user, or where the record says, or the starter model when the record's was one.</summary>
    /// <exception cref="DiffSynthException">It is not there, or nobody named it.</exception>
    public string ModelPath(string? named)
    {
        if (named is not null) return named;
        if (Model is null) throw new DiffSynthException(ModelSought!);
        if (IsHere(Model)) return Model;
        if (StarterModel.Folder() is { } starter && Path.GetFileName(Model) == Path.GetFileName(starter)) return starter;
        var hashes = string.Join(", ", Record!.ModelFiles.Where(file => !file.Name.EndsWith(".json", StringComparison.Ordinal) && !file.Name.EndsWith(".txt", StringComparison.Ordinal))
            .Select(file => $"{file.Name} {file.Sha256[..10]}"));
        throw new DiffSynthException($"The model '{Model}' (SHA-256: {hashes}) is missing. Put it back, or name it with --model.");
    }

    /// <summary>How the model is loaded: as the command line says, else as it was.</summary>
    /// <param name="model">The model's path.</param>
    /// <param name="asked">What the command line says.</param>
    /// <param name="namesDevice">Whether it names a device.</param>
    /// <param name="say">Takes a line for what the record names and the model has no part for.</param>
    public LoadOptions Loading(string model, LoadOptions asked, bool namesDevice, Action<string> say)
    {
        if (Record is null) return asked;
        var then = Record.LoadingFor(model, say);
        return then with
        {
            Vae = asked.Vae ?? then.Vae,
            ClipL = asked.ClipL ?? then.ClipL,
            ClipG = asked.ClipG ?? then.ClipG,
            T5 = asked.T5 ?? then.T5,
            Memory = asked.Memory,
            MemoryBudget = asked.MemoryBudget,
            Tokenizers = asked.Tokenizers ?? (then.Tokenizers is { } folder && IsHere(folder) ? folder : null),
            Device = namesDevice ? asked.Device : then.Device,
            Threads = asked.Threads ?? then.Threads,
        };
    }

    /// <summary>Says what of the model and of the machine differs from what made the picture.</summary>
    /// <param name="model">What is loaded now.</param>
    /// <param name="cancellation">Stops within a file of the model.</param>
    public IEnumerable<string> Differences(DiffusionModel model, CancellationToken cancellation)
    {
        if (Record is { } record) return [.. record.ModelDifferences(model.Description, cancellation), .. record.MakingDifferences(model).Select(difference => $"Made elsewhere: {difference}.")];
        if (ModelHash is not { Length: >= 8 } || PictureRecord.ModelHash(model, cancellation) is not { } hash || hash.StartsWith(ModelHash, StringComparison.OrdinalIgnoreCase)) return [];
        return [$"The model is another one: its SHA-256 begins with {hash[..10]}, the picture's with {ModelHash}."];
    }

    // A path on another machine would make this one connect to it.
    private static bool IsHere(string path) => !path.StartsWith(@"\\", StringComparison.Ordinal) && !path.StartsWith("//", StringComparison.Ordinal) && Path.Exists(path);
}
