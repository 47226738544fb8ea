using DiffSynthSharp.Kernels;
using DiffSynthSharp.Layers;
using TorchSharp;
using static TorchSharp.torch;

namespace DiffSynthSharp.Tests.Kernels;

public sealed class ChannelsLastGroupNormTests
{
    [Theory]
    [InlineData(ScalarType.Float32, 2e-5)]
    [InlineData(ScalarType.BFloat16, 2e-2)]
    public void Result_and_gradients_are_those_of_libtorch(ScalarType type, double tolerance)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(1);
        var x = (randn([3, 32, 6, 5], generator: generator) + 0.5).ToChannelsLast().detach().requires_grad_();
        var weight = rand([32], generator: generator).requires_grad_();
        var bias = rand([32], generator: generator).requires_grad_();
        var direction = randn([3, 32, 6, 5], generator: generator);
        var stored = x.detach().to(type).requires_grad_();
        Assert.True(ChannelsLastGroupNorm.Fits(stored, weight));

        var expected = nn.functional.group_norm(x, 8, weight, bias, 1e-5);
        var found = ChannelsLastGroupNorm.Apply(stored, weight, bias, 8, 1e-5);
        var expectedGradients = autograd.grad([(expected * direction).sum()], [x, weight, bias]);
        var foundGradients = autograd.grad([(found * direction).sum()], [stored, weight, bias]);
        Assert.Equal(type, found.dtype);
        Close(expected, found, tolerance);
        for (var i = 0; i < 3; i++) Close(expectedGradients[i], foundGradients[i], tolerance);
    }

    [Fact]
    public void Maps_of_another_layout_or_width_are_left_to_libtorch()
    {
        using var scope = NewDisposeScope();
        Assert.False(ChannelsLastGroupNorm.Fits(zeros(1, 32, 4, 4), zeros(32)));
        Assert.False(ChannelsLastGroupNorm.Fits(zeros(1, 12, 4, 4).ToChannelsLast(), zeros(12)));
        Assert.False(ChannelsLastGroupNorm.Fits(zeros([1, 32, 4, 4], ScalarType.Float64).ToChannelsLast(), zeros(32)));
    }

    private static void Close(Tensor expected, Tensor found, double tolerance)
        => Assert.InRange((expected - found).abs().max().ToSingle(), 0, tolerance * expected.abs().max().ToSingle());
}
