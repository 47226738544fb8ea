using System.Diagnostics;
using DiffSynthSharp.Families;
using DiffSynthSharp.Models.Transformers;
using DiffSynthSharp.Runtime;
using DiffSynthSharp.Weights;
using static TorchSharp.torch;

namespace DiffSynthSharp.Benchmarking;

/// <summary>Writes the denoising network of a published model at full size, with the authors' names and random weights, to measure what no checkpoint is at hand for.</summary>
public static class RandomCheckpoint
{
    // Numbers are drawn once and repeated: drawing each of twelve billion would take longer than writing them.
    private const int Drawn = 1 << 24;

    private sealed record Architecture(string Name, string Prefix, Func<nn.Module> Create, Func<IReadOnlyCollection<string>, KeyMap?> Keys);

    private static readonly Architecture[] s_architectures =
    [
        new("flux-dev", "", () => new FluxTransformer(Flux(hasGuidance: true)), FluxKeys.For),
        new("flux-schnell", "", () => new FluxTransformer(Flux(hasGuidance: false)), FluxKeys.For),
        new("sd3-medium", "model.diffusion_model.", () => new MmDit(Sd3(24, 1536, 192, false, 0)), MmDitKeys.For),
        new("sd3.5-medium", "model.diffusion_model.", () => new MmDit(Sd3(24, 1536, 384, true, 13)), MmDitKeys.For),
        new("sd3.5-large", "model.diffusion_model.", () => new MmDit(Sd3(38, 2432, 192, true, 0)), MmDitKeys.For),
    ];

    private static readonly Dictionary<string, StoredType> s_types = new() { ["bf16"] = StoredType.BF16, ["f16"] = StoredType.F16, ["fp8"] = StoredType.F8E4M3, ["f32"] = StoredType.F32 };

    /// <summary>The architectures' names.</summary>
    public static IReadOnlyList<string> Names => [.. s_architectures.Select(architecture => architecture.Name)];

    /// <summary>The element types' names.</summary>
    public static IReadOnlyList<string> Types => [.. s_types.Keys];

    /// <summary>Writes a safetensors file.</summary>
    /// <param name="architecture">One of <see cref="Names"/>.</param>
    /// <param name="path">The file to make or replace.</param>
    /// <param name="type">One of <see cref="Types"/>.</param>
    /// <param name="progress">Told after each tensor.</param>
    /// <param name="cancellation">Stops between two tensors; nothing is left behind.</param>
    /// <exception cref="DiffSynthException">A name is unknown, or the file can't be written.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static void Write(string architecture, string path, string type = "bf16", IProgress<GenerationProgress>? progress = null, CancellationToken cancellation = default)
    {
        var known = s_architectures.FirstOrDefault(one => one.Name == architecture)
            ?? throw new DiffSynthException($"There is no architecture '{architecture}' to write with random weights. Known: {string.Join(", ", Names)}.");
        if (!s_types.TryGetValue(type, out var stored)) throw new DiffSynthException($"There is no element type '{type}' to write. Known: {string.Join(", ", Types)}.");
        TorchRuntime.EnsureLoaded();
        using var scope = NewDisposeScope();
        using var network = known.Create();
        var entries = Entries(known, network, stored);
        CheckSpace(path, entries.Sum(entry => entry.Bytes));
        var (drawn, clock, done) = (new Dictionary<(double Spread, StoredType Type), Tensor>(), Stopwatch.StartNew(), 0);
        try
        {
            SafetensorsWriter.Write(path, entries, entry =>
            {
                cancellation.ThrowIfCancellationRequested();
                progress?.Report(new(GenerationPhase.Write, ++done, entries.Count, clock.Elapsed.TotalSeconds / done));
                return Values(entry, drawn);
            });
        }
        finally
        {
            foreach (var numbers in drawn.Values) numbers.Dispose();
        }
    }

    private static List<TensorEntry> Entries(Architecture architecture, nn.Module network, StoredType type)
    {
        var names = network.named_parameters().Select(parameter => (parameter.name, parameter.parameter.shape)).ToList();
        var keys = architecture.Keys([.. names.Select(parameter => parameter.name)])!;
        return [.. names.Select(parameter => new TensorEntry(architecture.Prefix + keys.ToTheirs(parameter.name), type, parameter.shape))];
    }

    private static Tensor Values(TensorEntry entry, Dictionary<(double Spread, StoredType Type), Tensor> drawn)
    {
        if (entry.Shape.Length == 1 && (entry.Name.EndsWith(".scale", StringComparison.Ordinal) || entry.Name.Contains(".ln_", StringComparison.Ordinal)))
            return ones(entry.Shape).to(entry.Type.Scalar());
        var spread = entry.Shape.Length == 1 ? 0.01 : RandomWeights.Spread(entry.Shape);
        if (!drawn.TryGetValue((spread, entry.Type), out var numbers))
        {
            using var generator = new Generator(0);
            using var even = rand([Drawn], generator: generator).sub_(0.5).mul_(2 * spread);
            drawn[(spread, entry.Type)] = numbers = even.to(entry.Type.Scalar()).alias().DetachFromDisposeScope();
        }
        using var scope = NewDisposeScope();
        var times = (entry.Elements + Drawn - 1) / Drawn;
        return (times == 1 ? numbers : cat([.. Enumerable.Repeat(numbers, (int)times)])).narrow(0, 0, entry.Elements).view(entry.Shape).alias().MoveToOuterDisposeScope();
    }

    private static void CheckSpace(string path, long bytes)
    {
        var folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        if (!Directory.Exists(folder)) throw new DiffSynthException($"'{path}' cannot be written: there is no folder '{folder}'.");
        if (new DriveInfo(folder).AvailableFreeSpace is var free && free < bytes)
            throw new DiffSynthException($"'{path}' would take {bytes / 1e9:0.0} GB, but {free / 1e9:0.0} GB are free there.");
    }

    private static FluxConfig Flux(bool hasGuidance) => new(64, 64, 3072, 128, 12288, 4096, 768, 256, 19, 38, hasGuidance);

    private static MmDitConfig Sd3(int depth, long width, long side, bool isNormed, int dual) => new(16, 2, depth, width, 64, 4 * width, side, 4096, 2048, 256, isNormed, dual);
}
