using System.Diagnostics;
using DiffSynthSharp.Benchmarking;
using DiffSynthSharp.Imaging;
using DiffSynthSharp.Layers;

namespace DiffSynthSharp.Tests.Generation;

/// <summary>Counts this process's tensors, so nothing else may run beside it.</summary>
[CollectionDefinition(nameof(LeakTests), DisableParallelization = true)]
public sealed class AloneCollection;

[Collection(nameof(LeakTests))]
public sealed class LeakTests
{
    private static readonly string s_starter = Path.Combine(Repository.Root, "models", "starter");

    private const int Pictures = 100;
    private const int Loads = 12;
    private const int CancelledBorders = 400;

    [Fact]
    public void A_hundred_pictures_leave_no_tensor_and_no_memory_behind()
    {
        using var model = DiffusionModel.Load(TinyModel.Folder);
        var request = TinyModel.Request with { Steps = 2 };
        for (var i = 0; i < 10; i++) model.Generate(request with { Seeds = [i], Width = 64 + 8 * (i % 3) });
        var tensors = LiveTensors.Count();
        var memory = Resident();
        for (var i = 0; i < Pictures; i++) model.Generate(request with { Seeds = [i], Width = 64 + 8 * (i % 3) });
        Assert.Equal(tensors, LiveTensors.Count());
        Assert.InRange(Resident() - memory, long.MinValue, 64 << 20);
    }

    [Fact]
    public void Pictures_of_all_kinds_with_cancelled_and_refused_jobs_between_them_leave_everything_flat()
    {
        var result = Endurance.Run(new() { Model = TinyModel.Folder, Pictures = 60, Size = (64, 64), Steps = 2 }, _ => { });
        Assert.Equal([10, 30, 60], result.Samples.Select(sample => sample.Pictures));
        Assert.Equal(12, result.Refused);
        Assert.InRange(result.Cancelled, 1, 20);
        var (half, end) = (result.Samples[1], result.Samples[2]);
        Assert.Equal(half.Tensors, end.Tensors);
        Assert.Equal(half.Handles, end.Handles);
        Assert.InRange(end.CachedBytes - half.CachedBytes, long.MinValue, 4 << 20);
        Assert.InRange(end.RssBytes - half.RssBytes, long.MinValue, 32 << 20);
    }

    [Fact]
    public void A_picture_that_is_cancelled_at_any_border_crosses_no_other()
    {
        using var model = DiffusionModel.Load(s_starter);
        var request = new GenerationRequest { Prompt = "a red car", Width = 64, Height = 64, Steps = 1 };
        var borders = Borders(() => model.Generate(request));
        Assert.InRange(borders, 50, 2000);
        for (var border = 1; border <= borders; border++) AssertStopsAt(border, token => model.Generate(request, null, token));
    }

    [Fact]
    public void Loading_that_is_cancelled_at_any_border_crosses_no_other_and_lets_go_of_its_files()
    {
        var borders = Borders(() => DiffusionModel.Load(s_starter).Dispose());
        var handles = ProcessState.Now().Handles;
        for (var border = 1; border <= borders; border += 31) AssertStopsAt(border, token => DiffusionModel.Load(s_starter, cancellation: token));
        AssertStopsAt(borders, token => DiffusionModel.Load(s_starter, cancellation: token));
        Assert.Equal(handles, ProcessState.Now().Handles);
        if (OperatingSystem.IsLinux()) Assert.DoesNotContain(File.ReadLines("/proc/self/maps"), line => line.Contains(s_starter, StringComparison.Ordinal));
    }

    private static int Borders(Action job)
    {
        var crossed = 0;
        using var counted = BlockBorder.Observe(() => crossed++);
        job();
        return crossed;
    }

    private static void AssertStopsAt(int border, Action<CancellationToken> job)
    {
        using var source = new CancellationTokenSource();
        var crossed = 0;
        using var counted = BlockBorder.Observe(() => { if (++crossed == border) source.Cancel(); });
        Assert.ThrowsAny<OperationCanceledException>(() => job(source.Token));
        Assert.Equal(border, crossed);
    }

    [Fact]
    public void Cancelled_and_refused_jobs_leave_no_tensor_behind()
    {
        using var model = DiffusionModel.Load(TinyModel.Folder);
        model.Generate(TinyModel.Request);
        var tensors = LiveTensors.Count();
        using var source = new CancellationTokenSource();
        Assert.ThrowsAny<OperationCanceledException>(() => model.Generate(TinyModel.Request, new CancelAtStep(source), source.Token));
        Assert.Throws<DiffSynthException>(() => model.Generate(TinyModel.Request with { Width = 63 }));
        Assert.Equal(tensors, LiveTensors.Count());
    }

    [Fact]
    public void Inpainting_passes_tiles_and_regions_cancelled_anywhere_leave_nothing_behind()
    {
        using var model = DiffusionModel.Load(TinyModel.Folder);
        var photo = model.Generate(TinyModel.Request)[0].Picture;
        var half = new Picture(64, 64, [.. Enumerable.Range(0, 3 * 64 * 64).Select(i => (byte)(i / 3 % 64 < 32 ? 255 : 0))]);
        var request = TinyModel.Request with
        {
            Prompt = "a (red:1.3) car BREAK by the [sea|lake] AND a blue door",
            Steps = 2,
            Init = new(photo, 0.9),
            Mask = new(half),
            Regions = [new(half, "a tree")],
            HighRes = [new(96, 96)],
            Tiles = new(8, 4) { Network = TiledNetwork.Steps },
        };
        model.Generate(request);
        var (tensors, memory) = (LiveTensors.Count(), Resident());
        for (var border = 1; border < CancelledBorders; border += 7)
        {
            using var source = new CancellationTokenSource();
            var crossed = 0;
            using var counted = BlockBorder.Observe(() => { if (++crossed == border) source.Cancel(); });
            Assert.ThrowsAny<OperationCanceledException>(() => model.Generate(request, null, source.Token));
            Assert.Equal(border, crossed);
            Assert.Equal(tensors, LiveTensors.Count());
        }
        Assert.InRange(Resident() - memory, long.MinValue, 64 << 20);
    }

    // Tensor.TotalCount can't tell here: a Parameter takes over its tensor's handle and both stay counted.
    [Fact]
    public void Loading_and_disposing_models_leaves_no_memory_behind()
    {
        void Load() => DiffusionModel.Load(TinyModel.Folder).Dispose();
        Load();
        var memory = Resident();
        for (var i = 0; i < Loads; i++) Load();
        var weights = ModelInspector.Inspect(TinyModel.Folder).Parts.Sum(part => 4 * part.Parameters);
        Assert.InRange(Resident() - memory, long.MinValue, Loads * weights / 4);
    }

    private static long Resident()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        using var process = Process.GetCurrentProcess();
        return process.WorkingSet64;
    }

    private sealed class CancelAtStep(CancellationTokenSource source) : IProgress<GenerationProgress>
    {
        public void Report(GenerationProgress value)
        {
            if (value.Phase == GenerationPhase.Step) source.Cancel();
        }
    }
}
