using DiffSynthSharp.Models.Autoencoders;
using DiffSynthSharp.Models.TextEncoders;
using DiffSynthSharp.Models.UNets;
using DiffSynthSharp.Weights;

namespace DiffSynthSharp.Families.StableDiffusion;

/// <summary>One network of a model: its tensors, and the configuration beside them when it lies in a folder.</summary>
/// <param name="Weights">The tensors.</param>
/// <param name="Config">The folder's <c>config.json</c>; null for single files.</param>
internal sealed record ModelPart(ComponentWeights Weights, ConfigFile? Config);

/// <summary>The files of a Stable Diffusion 1.x model, found but not loaded: a diffusers folder or one checkpoint.</summary>
internal sealed class StableDiffusionFiles : IDisposable
{
    private static readonly string[] s_unetPrefixes = ["model.diffusion_model.", ""];
    private static readonly string[] s_autoencoderPrefixes = ["first_stage_model.", ""];
    private readonly List<WeightSource> _open = [];

    private StableDiffusionFiles(string path) => Path = path;

    /// <summary>What the user named.</summary>
    public string Path { get; }

    public bool IsFolder { get; private init; }

    public ModelPart? TextEncoder { get; private set; }

    public ModelPart? UNet { get; private set; }

    public ModelPart? Autoencoder { get; private set; }

    /// <summary>The folder's <c>scheduler/scheduler_config.json</c>.</summary>
    public ConfigFile? Scheduler { get; private set; }

    /// <summary>The folder's <c>model_index.json</c>.</summary>
    public ConfigFile? Index { get; private set; }

    /// <summary>The checkpoint, or the components' weights of a folder.</summary>
    public IReadOnlyList<WeightSource> Sources => _open;

    /// <summary>Everything that the opened files hold, for reports.</summary>
    public IEnumerable<TensorEntry> Entries => _open.SelectMany(source => source.Entries.Values);

    /// <summary>Opens a model without reading its tensors; a part that isn't there stays null.</summary>
    /// <param name="path">A checkpoint or a folder.</param>
    /// <param name="autoencoder">A file or folder whose autoencoder replaces the model's own; null keeps it.</param>
    public static StableDiffusionFiles Open(string path, string? autoencoder = null)
    {
        var files = new StableDiffusionFiles(path) { IsFolder = Directory.Exists(path) };
        try
        {
            if (files.IsFolder) files.OpenFolder();
            else files.OpenFile();
            if (autoencoder is not null) files.Autoencoder = files.OpenAutoencoder(autoencoder);
            return files;
        }
        catch
        {
            files.Dispose();
            throw;
        }
    }

    private void OpenFile()
    {
        if (!File.Exists(Path)) throw new DiffSynthException($"There is no file or folder '{Path}'. Name a checkpoint (.safetensors, .ckpt) or a diffusers folder.");
        var source = Keep(WeightSource.OpenFile(Path));
        TextEncoder = Find(source, null, ClipTextKeys.Prefixes, ClipTextKeys.For);
        UNet = Find(source, null, s_unetPrefixes, UNetKeys.For);
        Autoencoder = Find(source, null, s_autoencoderPrefixes, AutoencoderKeys.For);
    }

    private void OpenFolder()
    {
        TextEncoder = FindIn("text_encoder", ClipTextKeys.Prefixes, ClipTextKeys.For);
        UNet = FindIn("unet", s_unetPrefixes, UNetKeys.For);
        Autoencoder = FindIn("vae", s_autoencoderPrefixes, AutoencoderKeys.For);
        if (_open.Count == 0)
            throw new DiffSynthException($"The folder '{Path}' holds no model: expected the sub-folders unet, vae and text_encoder of a diffusers folder. For a single checkpoint, name the file.");
        Scheduler = ConfigFile.TryRead(System.IO.Path.Combine(Path, "scheduler", "scheduler_config.json"));
        Index = ConfigFile.TryRead(System.IO.Path.Combine(Path, "model_index.json"));
    }

    private ModelPart OpenAutoencoder(string path)
    {
        var part = Directory.Exists(path)
            ? Find(Keep(WeightSource.OpenFolder(path)), ConfigFile.TryRead(System.IO.Path.Combine(path, "config.json")), s_autoencoderPrefixes, AutoencoderKeys.For)
            : Find(Keep(WeightSource.OpenFile(path)), null, s_autoencoderPrefixes, AutoencoderKeys.For);
        return part ?? throw new DiffSynthException($"'{path}' holds no autoencoder. Expected names such as 'first_stage_model.encoder.…' or 'encoder.down_blocks.…'.");
    }

    private ModelPart? FindIn(string name, IReadOnlyList<string> prefixes, Func<IReadOnlyCollection<string>, KeyMap?> map)
    {
        var folder = System.IO.Path.Combine(Path, name);
        return Directory.Exists(folder)
            ? Find(Keep(WeightSource.OpenFolder(folder)), ConfigFile.TryRead(System.IO.Path.Combine(folder, "config.json")), prefixes, map)
            : null;
    }

    private static ModelPart? Find(WeightSource source, ConfigFile? config, IReadOnlyList<string> prefixes, Func<IReadOnlyCollection<string>, KeyMap?> map)
        => prefixes.Select(prefix => ComponentWeights.Find(source, prefix, map)).FirstOrDefault(found => found is not null) is { } weights
            ? new ModelPart(weights, config)
            : null;

    private WeightSource Keep(WeightSource source)
    {
        _open.Add(source);
        return source;
    }

    public void Dispose()
    {
        foreach (var source in _open) source.Dispose();
    }
}
