using System.Diagnostics;
using DiffSynthSharp.Runtime;
using DiffSynthSharp.Weights;

namespace DiffSynthSharp.Benchmarking;

/// <summary>Writes published files at full size, with their tensors' names and random weights, to try and to measure what no checkpoint is at hand for.</summary>
public static class RandomCheckpoint
{
    private static readonly Dictionary<string, StoredType> s_types = new() { ["bf16"] = StoredType.BF16, ["f16"] = StoredType.F16, ["fp8"] = StoredType.F8E4M3, ["f32"] = StoredType.F32 };

    /// <summary>The architectures' names.</summary>
    public static IReadOnlyList<string> Names => [.. PublishedArchitectures.All.Select(architecture => architecture.Name)];

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
        var known = PublishedArchitectures.All.FirstOrDefault(one => one.Name == architecture)
            ?? throw new DiffSynthException($"There is no architecture '{architecture}' to write with random weights. Known: {string.Join(", ", Names)}.");
        if (!s_types.TryGetValue(type, out var stored)) throw new DiffSynthException($"There is no element type '{type}' to write. Known: {string.Join(", ", Types)}.");
        Write(known, path, stored, progress, cancellation);
    }

    /// <summary>Writes a safetensors file.</summary>
    /// <param name="architecture">What it holds.</param>
    /// <param name="path">The file to make or replace.</param>
    /// <param name="type">Of all tensors but those that count, which are 64-bit integers.</param>
    /// <param name="progress">Told after each tensor.</param>
    /// <param name="cancellation">Stops between two tensors; nothing is left behind.</param>
    /// <exception cref="DiffSynthException">The file can't be written.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    internal static void Write(PublishedArchitecture architecture, string path, StoredType type, IProgress<GenerationProgress>? progress = null, CancellationToken cancellation = default)
    {
        TorchRuntime.EnsureLoaded();
        var tensors = architecture.Tensors().ToDictionary(tensor => tensor.Name);
        var entries = tensors.Values.Select(tensor => new TensorEntry(tensor.Name, tensor.Counts ? StoredType.I64 : type, tensor.Shape)).ToList();
        CheckSpace(path, entries.Sum(entry => entry.Bytes));
        using var numbers = new RandomNumbers(tensors.Values, type);
        var (clock, done) = (Stopwatch.StartNew(), 0);
        SafetensorsWriter.Write(path, entries, entry =>
        {
            cancellation.ThrowIfCancellationRequested();
            progress?.Report(new(GenerationPhase.Write, ++done, entries.Count, clock.Elapsed.TotalSeconds / done));
            return numbers.For(tensors[entry.Name]);
        });
    }

    private static void CheckSpace(string path, long bytes)
    {
        var folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        if (!Directory.Exists(folder)) throw new DiffSynthException($"'{path}' cannot be written: there is no folder '{folder}'.");
        if (new DriveInfo(folder).AvailableFreeSpace is var free && free < bytes)
            throw new DiffSynthException($"'{path}' would take {bytes / 1e9:0.0} GB, but {free / 1e9:0.0} GB are free there.");
    }
}
