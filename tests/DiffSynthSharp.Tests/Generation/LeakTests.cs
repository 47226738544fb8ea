using System.Diagnostics;
using DiffSynthSharp.Imaging;
using DiffSynthSharp.Layers;
using static TorchSharp.torch;

namespace DiffSynthSharp.Tests.Generation;

/// <summary>Counts this process's tensors, so nothing else may run beside it.</summary>
[CollectionDefinition(nameof(LeakTests), DisableParallelization = true)]
public sealed class AloneCollection;

[Collection(nameof(LeakTests))]
public sealed class LeakTests
{
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
        var (tensors, memory) = (Tensor.TotalCount, Resident());
        for (var border = 1; border < CancelledBorders; border += 7)
        {
            using var source = new CancellationTokenSource();
            var crossed = 0;
            using var counted = BlockBorder.Observe(() => { if (++crossed == border) source.Cancel(); });
            Assert.ThrowsAny<OperationCanceledException>(() => model.Generate(request, null, source.Token));
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
