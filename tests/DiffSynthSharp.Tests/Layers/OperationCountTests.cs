using DiffSynthSharp.Layers;
using static TorchSharp.torch;

namespace DiffSynthSharp.Tests.Layers;

public sealed class OperationCountTests
{
    [Fact]
    public void A_linear_layer_asks_for_two_operations_per_weight_and_row()
    {
        using var layer = new DiffSynthSharp.Layers.Linear(6, 5);
        layer.Assign("weight", ones(5, 6));
        layer.Assign("bias", zeros(5));
        Assert.Equal(2 * 3 * 6 * 5, Counted(() => layer.forward(ones(3, 6))));
    }

    [Fact]
    public void A_convolution_asks_for_two_operations_per_weight_and_cell()
    {
        using var layer = new DiffSynthSharp.Layers.Conv2d(4, 8, 3, stride: 2, padding: 1);
        layer.Assign("weight", ones(8, 4, 3, 3));
        layer.Assign("bias", zeros(8));
        Assert.Equal(2 * 4 * 4 * (8 * 4 * 9), Counted(() => layer.forward(ones(1, 4, 8, 8))));
    }

    [Fact]
    public void Attention_asks_for_scores_and_their_weighted_sum()
        => Assert.Equal(2 * 2 * (2 * 3 * 7 * 16), Counted(() => Attention.MultiHead(ones(2, 3, 16), ones(2, 7, 16), ones(2, 7, 16), heads: 4)));

    private static long Counted(Func<Tensor> work)
    {
        using var scope = NewDisposeScope();
        var before = OperationCount.Total;
        work();
        return OperationCount.Total - before;
    }
}
