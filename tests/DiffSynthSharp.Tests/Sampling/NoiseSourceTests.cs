using DiffSynthSharp.Sampling;
using TorchSharp;
using static TorchSharp.torch;

namespace DiffSynthSharp.Tests.Sampling;

public sealed class NoiseSourceTests
{
    [Fact]
    public void A_seed_gives_what_PyTorch_gives()
    {
        using var scope = NewDisposeScope();
        using var source = new NoiseSource([0], [3]);
        var noise = source.Next();
        Assert.Equal(1.5410, noise[0, 0].ToDouble(), 1e-4);
        Assert.Equal(-0.2934, noise[0, 1].ToDouble(), 1e-4);
        Assert.Equal(-2.1788, noise[0, 2].ToDouble(), 1e-4);
    }

    [Fact]
    public void A_picture_never_depends_on_its_batch()
    {
        using var scope = NewDisposeScope();
        using var batch = new NoiseSource([7, 8, 9], [4, 5, 6]);
        using var single = new NoiseSource([8], [4, 5, 6]);
        for (var draw = 0; draw < 3; draw++)
            Assert.True(batch.Next()[1].equal(single.Next()[0]).all().ToBoolean(), $"draw {draw}");
    }

    [Fact]
    public void Recorded_noise_comes_back_in_order_and_runs_out_with_a_sentence()
    {
        using var scope = NewDisposeScope();
        using var source = NoiseSource.Replay([ones(2), zeros(2)]);
        Assert.Equal(1, source.Next()[0].ToSingle());
        Assert.Equal(0, source.Next()[0].ToSingle());
        Assert.Contains("noise number 3", Assert.Throws<InvalidOperationException>(source.Next).Message);
    }
}
