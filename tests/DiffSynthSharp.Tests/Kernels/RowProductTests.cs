using DiffSynthSharp.Kernels;
using DiffSynthSharp.Layers;
using DiffSynthSharp.Tests.Generation;
using static TorchSharp.torch;

namespace DiffSynthSharp.Tests.Kernels;

/// <summary>A convolution of rows is libtorch's own product of them.</summary>
[Collection(nameof(LeakTests))]
public sealed class RowProductTests
{
    [Theory]
    [InlineData(true, 77L, 768L, 320L)]
    [InlineData(false, 77L, 768L, 320L)]
    [InlineData(true, 1L, 64L, 3L)]
    [InlineData(true, 1024L, 40L, 1L)]
    public void Rows_are_multiplied_alike(bool hasBias, long rows, long inputs, long outputs)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(1, CPU);
        Tensor x = randn([2, rows, inputs], generator: generator), weight = randn([outputs, inputs], generator: generator);
        var bias = hasBias ? randn([outputs], generator: generator) : null;
        Same(RowProduct.Convolve(x, weight, bias), nn.functional.linear(x, weight, bias));
        Same(RowProduct.Of(x, weight, bias), nn.functional.linear(x, weight, bias));
    }

    [Fact]
    public void Rows_and_weights_may_be_parts_of_others()
    {
        using var scope = NewDisposeScope();
        Tensor wide = randn(3, 90, 128), x = wide.narrow(2, 32, 64), weight = randn(64, 200).t().narrow(0, 8, 96);
        Same(RowProduct.Convolve(x, weight.contiguous(), null), nn.functional.linear(x, weight));
        Same(RowProduct.Convolve(wide.transpose(0, 1), ones(5, 128), zeros(5)), wide.transpose(0, 1).sum(-1, keepdim: true).expand(-1, -1, 5));
    }

    [Fact]
    public void Small_products_half_precision_and_gradients_stay_with_the_product()
    {
        using var scope = NewDisposeScope();
        Tensor x = randn(512, 512), weight = randn(512, 512);
        Assert.False(RowProduct.Convolves(x.narrow(0, 0, 8), weight));
        Assert.False(RowProduct.Convolves(x.narrow(1, 0, 8), weight.narrow(1, 0, 8)));
        Assert.False(RowProduct.Convolves(x.bfloat16(), weight.bfloat16()));
        Assert.False(RowProduct.Convolves(x, weight.alias().requires_grad_()));
        using var none = no_grad();
        Assert.Equal(RowProduct.Convolves(x, weight), RowProduct.Convolves(x, weight.alias().requires_grad_()));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_layer_of_several_panels_multiplies_many_rows_alike(bool hasBias)
    {
        const long inputs = 512, outputs = Linear.PanelElements / inputs + 100;
        using var none = no_grad();
        using var scope = NewDisposeScope();
        using var generator = new Generator(2, CPU);
        using var layer = new Linear(inputs, outputs, hasBias);
        Tensor weight = rand([outputs, inputs], generator: generator) - 0.5f, bias = rand([outputs], generator: generator);
        layer.Assign("weight", weight.clone());
        if (hasBias) layer.Assign("bias", bias.clone());
        var x = randn([2, 64, inputs], generator: generator);
        Same(layer.forward(x), nn.functional.linear(x, weight, hasBias ? bias : null));
    }

    [Fact]
    public void Nothing_but_the_answer_stays()
    {
        using var scope = NewDisposeScope();
        Tensor x = randn(64, 512), weight = randn(512, 512), bias = randn(512);
        var before = scope.DisposablesCount;
        RowProduct.Convolve(x, weight, bias);
        Assert.Equal(before + 1, scope.DisposablesCount);
    }

    private static void Same(Tensor ours, Tensor expected)
    {
        Assert.Equal(expected.shape, ours.shape);
        Assert.InRange((ours - expected).abs().max().item<float>(), 0, 1e-5f * expected.abs().max().item<float>());
    }
}
