using System.Collections.Concurrent;
using DiffSynthSharp.Imaging;

namespace DiffSynthSharp.Tests.Generation;

public sealed class AsyncTests : IDisposable
{
    private const string Prompt = "a red car parked by the sea";

    private readonly DiffusionModel _model = DiffusionModel.Load(TinyModel.Folder);

    public void Dispose() => _model.Dispose();

    [Fact]
    public async Task A_picture_is_the_same_bit_for_bit_whether_it_is_awaited_or_not()
    {
        using var loaded = await DiffusionModel.LoadAsync(TinyModel.Folder);
        var awaited = await loaded.GenerateAsync(Prompt, TinyModel.Request);
        Assert.Equal(_model.Generate(TinyModel.Request)[0].Latents, awaited.Latents);
        using var file = new TemporaryFile(".png");
        awaited.Save(file.Path);
        Assert.Equal(awaited.Picture.Rgb.ToArray(), Picture.Load(file.Path).Rgb.ToArray());
    }

    [Fact]
    public async Task Each_seed_gives_a_picture_of_its_own()
    {
        var pictures = await _model.GenerateAllAsync(TinyModel.Request with { Seeds = [7, 8] });
        Assert.Equal([7L, 8L], pictures.Select(picture => picture.Seed));
        var message = (await Assert.ThrowsAsync<DiffSynthException>(() => _model.GenerateAsync(Prompt, TinyModel.Request with { Seeds = [7, 8] }))).Message;
        Assert.Contains("GenerateAllAsync", message);
    }

    [Fact]
    public async Task Jobs_of_several_threads_are_queued_and_never_interleaved()
    {
        var log = new ConcurrentQueue<int>();
        var jobs = Enumerable.Range(0, 6).Select(job => Task.Run(() => job % 3 == 0
            ? _model.Generate(TinyModel.Request, new Handler(_ => log.Enqueue(job)))[0]
            : _model.GenerateAsync(Prompt, TinyModel.Request, new Handler(_ => log.Enqueue(job))).GetAwaiter().GetResult())).ToList();
        var pictures = await Task.WhenAll(jobs);
        Assert.All(pictures, picture => Assert.Equal(pictures[0].Latents, picture.Latents));
        var runs = log.Where((job, i) => i == 0 || log.ElementAt(i - 1) != job).ToList();
        Assert.Equal(6, runs.Count);
        Assert.Equal(Enumerable.Range(0, 6), runs.Order());
    }

    [Fact]
    public async Task Jobs_run_in_the_order_of_the_calls_on_one_thread_that_is_not_the_callers()
    {
        var log = new ConcurrentQueue<(int Job, int Thread)>();
        var jobs = Enumerable.Range(0, 4)
            .Select(job => _model.GenerateAsync(Prompt, TinyModel.Request, new Handler(_ => log.Enqueue((job, Environment.CurrentManagedThreadId))))).ToList();
        await Task.WhenAll(jobs);
        Assert.Equal(log.Select(entry => entry.Job).Order(), log.Select(entry => entry.Job));
        Assert.NotEqual(Environment.CurrentManagedThreadId, Assert.Single(log.Select(entry => entry.Thread).Distinct()));
    }

    [Fact]
    public async Task A_waiting_job_that_is_cancelled_leaves_the_queue_at_once()
    {
        using var source = new CancellationTokenSource();
        using var go = new ManualResetEventSlim();
        var running = _model.GenerateAsync(Prompt, TinyModel.Request, new Handler(_ => go.Wait(TimeSpan.FromSeconds(60))));
        var waiting = _model.GenerateAsync(Prompt, TinyModel.Request, cancellation: source.Token);
        await source.CancelAsync();
        var thrown = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        Assert.Equal(source.Token, thrown.CancellationToken);
        Assert.False(running.IsCompleted);
        go.Set();
        Assert.Equal(7, (await running).Seed);
    }

    [Fact]
    public async Task A_running_job_that_is_cancelled_stops_and_the_next_one_runs()
    {
        using var source = new CancellationTokenSource();
        var steps = 0;
        var handler = new Handler(report =>
        {
            if (report.Phase != GenerationPhase.Step) return;
            steps++;
            source.Cancel();
        });
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => _model.GenerateAsync(Prompt, TinyModel.Request, handler, source.Token));
        Assert.Equal(1, steps);
        Assert.Equal(7, (await _model.GenerateAsync(Prompt, TinyModel.Request)).Seed);
    }

    [Fact]
    public async Task Errors_reach_the_caller_as_they_are()
    {
        Assert.Contains("64x64", (await Assert.ThrowsAsync<DiffSynthException>(() => _model.GenerateAsync(Prompt, TinyModel.Request with { Width = 63 }))).Message);
        var own = new InvalidDataException("mine");
        Assert.Same(own, await Assert.ThrowsAsync<InvalidDataException>(() => _model.GenerateAsync(Prompt, TinyModel.Request, new Handler(_ => throw own))));
        await Assert.ThrowsAsync<DiffSynthException>(() => DiffusionModel.LoadAsync("no-such-model.safetensors"));
    }

    [Fact]
    public async Task Loading_tells_its_progress_and_stops_when_it_is_cancelled()
    {
        using var source = new CancellationTokenSource();
        var told = 0;
        var handler = new Handler(report =>
        {
            Assert.Equal(GenerationPhase.Load, report.Phase);
            if (++told == 3) source.Cancel();
        });
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => DiffusionModel.LoadAsync(TinyModel.Folder, progress: handler, cancellation: source.Token));
        Assert.Equal(3, told);
    }

    [Fact]
    public async Task Disposing_the_model_stops_the_running_job_and_refuses_the_others()
    {
        var model = DiffusionModel.Load(TinyModel.Folder);
        using var begun = new ManualResetEventSlim();
        var running = model.GenerateAsync(Prompt, TinyModel.Request with { Steps = 900, Sampler = "ddim" }, new Handler(_ => begun.Set()));
        var waiting = model.GenerateAsync(Prompt, TinyModel.Request);
        Assert.True(begun.Wait(TimeSpan.FromSeconds(60)));
        model.Dispose();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => running);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => waiting);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => model.GenerateAsync(Prompt));
        Assert.Throws<ObjectDisposedException>(() => model.Generate(TinyModel.Request));
        model.Dispose();
    }

    [Fact]
    public async Task A_progress_handler_can_neither_run_a_nested_job_nor_dispose_the_model()
    {
        await Assert.ThrowsAsync<InvalidOperationException>(() => _model.GenerateAsync(Prompt, TinyModel.Request, new Handler(_ => _model.Generate(TinyModel.Request))));
        await Assert.ThrowsAsync<InvalidOperationException>(() => _model.GenerateAsync(Prompt, TinyModel.Request, new Handler(_ => _model.Dispose())));
        Assert.Equal(7, (await _model.GenerateAsync(Prompt, TinyModel.Request)).Seed);
    }

    [Fact]
    public async Task A_preview_that_is_taken_too_late_is_refused()
    {
        Func<IReadOnlyList<Picture>>? late = null;
        await _model.GenerateAsync(Prompt, TinyModel.Request, new Handler(report => late = report.Preview ?? late));
        Assert.Contains("IProgress", Assert.Throws<InvalidOperationException>(() => late!()).Message);
    }

    private sealed class Handler(Action<GenerationProgress> handle) : IProgress<GenerationProgress>
    {
        public void Report(GenerationProgress value) => handle(value);
    }
}
