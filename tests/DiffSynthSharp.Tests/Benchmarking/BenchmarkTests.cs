using DiffSynthSharp.Benchmarking;
using DiffSynthSharp.Tests.Generation;

namespace DiffSynthSharp.Tests.Benchmarking;

public sealed class BenchmarkTests
{
    [Theory]
    [InlineData("RssAnon:\t     123 kB", 123L << 10)]
    [InlineData("RssFile:\t12345678 kB", 12345678L << 10)]
    public void A_process_of_any_size_is_watched(string line, long bytes) => Assert.Equal(bytes, ResidentMemory.Kilobytes(line));

    [Fact]
    public void A_model_is_measured_against_the_machines_peak()
    {
        var lines = new List<string>();
        var result = Benchmark.Run(new() { Model = TinyModel.Folder, Size = (64, 64), Steps = 1 }, lines.Add);
        Assert.Equal((64, 64), (result.Width, result.Height));
        Assert.All([result.LoadSeconds, result.StepSeconds, result.DecodeSeconds, result.StepGflops, result.DecodeGflops, result.PeakGflops], figure => Assert.True(figure > 0));
        Assert.All([result.StepProcessorSeconds, result.StepProcessorGflops, result.DecodeProcessorSeconds, result.DecodeProcessorGflops, result.PeakProcessorGflops], figure => Assert.True(figure > 0));
        Assert.True(result.PeakRssBytes > 1 << 20);
        Assert.NotEmpty(lines);
    }

    [Fact]
    public void A_large_picture_is_measured_in_tiles_by_a_part_of_it()
    {
        var whole = Benchmark.Run(new() { Model = TinyModel.Folder, Size = (128, 128), Steps = 1, Tiles = new(8, 4) { Network = TiledNetwork.Steps } }, _ => { });
        Assert.True(whole.StepIsWhole && whole.DecodeIsWhole);
        var part = Benchmark.Run(new() { Model = TinyModel.Folder, Size = (2048, 2048), Steps = 1, Tiles = new(8, 4) { Network = TiledNetwork.Steps }, StopAfter = 0.2 }, _ => { });
        Assert.False(part.StepIsWhole || part.DecodeIsWhole);
        Assert.All([part.StepSeconds, part.StepGflops, part.DecodeSeconds, part.DecodeGflops], figure => Assert.True(figure > 0));
    }

    [Fact]
    public void A_job_that_is_cancelled_is_not_a_part_that_was_measured()
        => Assert.ThrowsAny<OperationCanceledException>(() => Benchmark.Run(new() { Model = TinyModel.Folder, Size = (64, 64), StopAfter = 10 }, _ => { }, new(canceled: true)));

    [Theory]
    [InlineData(0)]
    [InlineData(double.NaN)]
    [InlineData(1e9)]
    public void A_time_that_does_not_fit_is_refused(double seconds)
        => Assert.Contains("doesn't fit", Assert.Throws<DiffSynthException>(() => Benchmark.Run(new() { Model = TinyModel.Folder, StopAfter = seconds }, _ => { })).Message);

    [Fact]
    public void An_architecture_without_a_name_is_refused()
        => Assert.Contains("sd15", Assert.Throws<DiffSynthException>(() => Benchmark.Run(new() { Random = "sd99" }, _ => { })).Message);
}
