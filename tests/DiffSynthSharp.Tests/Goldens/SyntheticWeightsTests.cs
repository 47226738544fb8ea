using static TorchSharp.torch;

namespace DiffSynthSharp.Tests.Goldens;

public sealed class SyntheticWeightsTests
{
    [Theory]
    [InlineData(ScalarType.Float32, new[] { 0.07151204347610474, 0.0283628161996603, 0.03490859642624855, -0.002494804561138153 })]
    [InlineData(ScalarType.Float16, new[] { 0.071533203125, 0.0283660888671875, 0.034912109375, -0.00249481201171875 })]
    [InlineData(ScalarType.BFloat16, new[] { 0.0712890625, 0.0283203125, 0.034912109375, -0.0024871826171875 })]
    public void Values_are_those_of_the_published_vectors(ScalarType type, double[] expected)
    {
        using var scope = NewDisposeScope();
        var ours = SyntheticWeights.Create("dev", new("model.diffusion_model.out.2.weight", type, [4], 0.05, 0, ""));
        Assert.Equal(expected, ours.to(ScalarType.Float64).data<double>().ToArray());
    }

    [Fact]
    public void Offset_is_added_before_rounding()
        => Assert.Equal([0.9772982001304626f, 1.0736801624298096f, 1.1720455884933472f], SyntheticWeights.Values("held", "norm.weight", 3, 0.1, 1));
}
