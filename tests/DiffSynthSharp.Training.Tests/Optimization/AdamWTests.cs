using DiffSynthSharp.Training.Optimization;
using TorchSharp;
using static TorchSharp.torch;

namespace DiffSynthSharp.Training.Tests.Optimization;

public sealed class AdamWTests
{
    [Fact]
    public void Steps_are_those_of_libtorch()
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(3);
        var start = randn([1003], generator: generator); // not a multiple of any vector
        var theirs = new TorchSharp.Modules.Parameter(start.clone());
        var reference = optim.AdamW([theirs], 1e-2, 0.9, 0.99, 1e-8, 0.01);
        using var ours = new AdamW(start);
        for (var step = 1; step <= 5; step++)
        {
            var gradient = randn([1003], generator: generator) * 0.01;
            theirs.grad = gradient.clone();
            reference.step();
            ours.Step(gradient, 1e-2, step);
        }
        Assert.InRange((start - theirs).abs().max().ToSingle(), 0, 2e-6f);
    }

    [Fact]
    public void A_long_gradient_is_cut_to_length_one()
    {
        using var values = zeros(64);
        using var other = zeros(64);
        using var gradient = ones(64);
        using var unit = ones(64) / 8;
        using var clipped = new AdamW(values);
        using var plain = new AdamW(other);
        Assert.Equal(8, clipped.Step(gradient, 1e-3, 1), 1e-5);
        plain.Step(unit, 1e-3, 1);
        Assert.Equal(plain.First.data<float>().ToArray(), clipped.First.data<float>().ToArray());
    }

    [Fact]
    public void The_rate_rises_then_falls_to_a_twentieth()
    {
        var rate = new LearningRate(1, 10, 110);
        Assert.Equal(0.5, rate.At(5), 1e-12);
        Assert.Equal(1, rate.At(10), 1e-12);
        Assert.Equal(0.525, rate.At(60), 1e-12);
        Assert.Equal(0.05, rate.At(110), 1e-12);
    }
}
