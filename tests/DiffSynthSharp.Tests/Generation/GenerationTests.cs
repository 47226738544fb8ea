using DiffSynthSharp.Imaging;

namespace DiffSynthSharp.Tests.Generation;

public sealed class GenerationTests : IDisposable
{
    private readonly DiffusionModel _model = DiffusionModel.Load(TinyModel.Folder);

    public void Dispose() => _model.Dispose();

    [Fact]
    public void The_same_request_gives_the_same_picture_bit_for_bit()
        => Assert.Equal(_model.Generate(TinyModel.Request)[0].Latents, _model.Generate(TinyModel.Request)[0].Latents);

    [Fact]
    public void Another_seed_gives_another_picture()
        => Assert.NotEqual(_model.Generate(TinyModel.Request)[0].Latents, _model.Generate(TinyModel.Request with { Seeds = [8] })[0].Latents);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4)]
    public void Each_picture_of_a_batch_equals_its_own_single_run(int batch)
    {
        var together = _model.Generate(TinyModel.Request with { Seeds = [7, 8, 9], Batch = batch });
        Assert.Equal([7L, 8L, 9L], together.Select(picture => picture.Seed));
        foreach (var picture in together)
        {
            var alone = _model.Generate(TinyModel.Request with { Seeds = [picture.Seed] })[0];
            Assert.Equal(alone.Latents, picture.Latents);
            Assert.Equal(alone.Picture.Rgb.ToArray(), picture.Picture.Rgb.ToArray());
        }
    }

    [Fact]
    public void Guidance_at_or_below_one_ignores_the_negative_prompt()
    {
        var without = _model.Generate(TinyModel.Request with { Guidance = 1 })[0].Latents;
        Assert.Equal(without, _model.Generate(TinyModel.Request with { Guidance = 0.5, Negative = "a blue door" })[0].Latents);
        Assert.NotEqual(without, _model.Generate(TinyModel.Request with { Guidance = 4 })[0].Latents);
    }

    [Fact]
    public void Strength_zero_keeps_the_initial_picture_whatever_the_seed()
    {
        var picture = _model.Generate(TinyModel.Request)[0].Picture;
        var kept = _model.Generate(TinyModel.Request with { Width = null, Height = null, Init = new(picture, 0) })[0];
        Assert.Equal((picture.Width, picture.Height), (kept.Picture.Width, kept.Picture.Height));
        Assert.Equal(kept.Latents, _model.Generate(TinyModel.Request with { Seeds = [99], Init = new(picture, 0) })[0].Latents);
        Assert.NotEqual(kept.Latents, _model.Generate(TinyModel.Request with { Init = new(picture, 1) })[0].Latents);
    }

    [Fact]
    public void Progress_counts_every_step_and_offers_a_preview()
    {
        var reports = new List<GenerationProgress>();
        var previews = new List<Picture>();
        _model.Generate(TinyModel.Request, new Recorder(report =>
        {
            reports.Add(report);
            if (report.Phase == GenerationPhase.Step) previews.AddRange(report.Preview!());
        }));
        Assert.Equal([1, 2, 3], reports.Where(report => report.Phase == GenerationPhase.Step).Select(report => report.Done));
        Assert.All(previews, preview => Assert.Equal((64, 64), (preview.Width, preview.Height)));
        Assert.Equal(3, previews.Count);
        Assert.Contains(reports, report => report.Message?.Contains("euler-a", StringComparison.Ordinal) == true);
        Assert.Equal((1, 1), (reports[^1].Done, reports[^1].Total));
    }

    [Theory]
    [InlineData(GenerationPhase.Encode)]
    [InlineData(GenerationPhase.Step)]
    [InlineData(GenerationPhase.Decode)]
    public void Cancelling_in_any_phase_stops_the_job(GenerationPhase phase)
    {
        using var source = new CancellationTokenSource();
        var after = 0;
        var recorder = new Recorder(report =>
        {
            if (source.IsCancellationRequested) after++;
            if (report.Phase == phase && report.Message is null) source.Cancel();
        });
        Assert.ThrowsAny<OperationCanceledException>(() => _model.Generate(TinyModel.Request, recorder, source.Token));
        Assert.True(after <= 1, $"{after} reports came after the cancellation.");
    }

    [Theory]
    [InlineData(511, 333, "512x336")]
    [InlineData(4, 64, "8x64")]
    [InlineData(8192, 64, "4096x64")]
    public void A_size_that_does_not_fit_names_the_nearest_that_does(int width, int height, string nearest)
        => Assert.Contains(nearest, Refused(TinyModel.Request with { Width = width, Height = height }));

    [Fact]
    public void Numbers_out_of_range_are_refused_with_their_range()
    {
        Assert.Contains("1 … 1000", Refused(TinyModel.Request with { Steps = 0 }));
        Assert.Contains("0 … 1", Refused(TinyModel.Request with { GuidanceRescale = 1.5 }));
        Assert.Contains("0 … 1", Refused(TinyModel.Request with { Init = new(new Picture(64, 64, new byte[64 * 64 * 3]), 2) }));
        Assert.Contains("0 … 4294967295", Refused(TinyModel.Request with { Seeds = [-1] }));
        Assert.Contains("3 layers", Refused(TinyModel.Request with { ClipSkip = 9 }));
        Assert.Contains("0 … 100", Refused(TinyModel.Request with { Guidance = double.NaN }));
    }

    [Fact]
    public void Unknown_names_are_refused_with_the_known_ones()
    {
        Assert.Contains("dpm++-2m", Refused(TinyModel.Request with { Sampler = "dpm-2m" }));
        Assert.Contains("karras", Refused(TinyModel.Request with { Schedule = "karas" }));
        Assert.Contains("epsilon", Refused(TinyModel.Request with { Prediction = "noise" }));
    }

    [Fact]
    public void An_initial_picture_of_another_size_is_refused()
        => Assert.Contains("32x32", Refused(TinyModel.Request with { Init = new(new Picture(32, 32, new byte[32 * 32 * 3])) }));

    private string Refused(GenerationRequest request) => Assert.Throws<DiffSynthException>(() => _model.Generate(request)).Message;

    private sealed class Recorder(Action<GenerationProgress> handle) : IProgress<GenerationProgress>
    {
        public void Report(GenerationProgress value) => handle(value);
    }
}
