using DiffSynthSharp.Layers;
using static TorchSharp.torch;

namespace DiffSynthSharp.Adapters.Lora.Deltas;

/// <summary><c>y += factor · up(mid(down(x)))</c>: two thin layers beside the layer itself, whose weight is not touched.</summary>
/// <remarks>Hu et al. 2021, arXiv 2106.09685; for convolutions LoCon of KohakuBlueleaf/LyCORIS, down with the kernel, or down, core, up.</remarks>
internal sealed class LowRankDelta : LeafDelta
{
    private readonly Tensor _down;
    private readonly Tensor? _mid;
    private readonly Tensor _up;
    private readonly double _factor;

    /// <param name="down">(rank, inputs) or (rank, inputs, kernel…); owned by this delta, as the others.</param>
    /// <param name="mid">(rank, rank, kernel…) or null.</param>
    /// <param name="up">(outputs, rank).</param>
    /// <param name="factor">Scale times alpha / rank.</param>
    public LowRankDelta(Tensor down, Tensor? mid, Tensor up, double factor) => (_down, _mid, _up, _factor) = (down, mid, up, factor);

    public override bool IsOnOutput => true;

    public override Tensor? Change(string name, Tensor value)
    {
        if (name != "weight") return null;
        using var scope = NewDisposeScope();
        var (down, up) = (_down.to(ScalarType.Float32).flatten(1), _up.to(ScalarType.Float32).flatten(1));
        var product = _mid is null ? up.matmul(down) : Core(_mid.to(ScalarType.Float32), up.t(), down);
        return (product.reshape(value.shape) * _factor).MoveToOuterDisposeScope();
    }

    public override void AddTo(Tensor x, Tensor y, long stride, long padding)
    {
        using var scope = NewDisposeScope();
        var (down, up) = (_down.to(x.dtype), _up.to(x.dtype));
        if (x.dim() == 4) AddToMap(x, y, down, up, stride, padding);
        else AddRows(x.reshape(-1, x.shape[^1]), y.view(-1, y.shape[^1]), down, up);
    }

    public override void Dispose()
    {
        _down.Dispose();
        _mid?.Dispose();
        _up.Dispose();
    }

    // Σ mid[i, j, …] · up[i, p] · down[j, r] → (p, r, …)
    internal static Tensor Core(Tensor core, Tensor left, Tensor right) => einsum("ijkl,ip,jr->prkl", core, left, right);

    private void AddToMap(Tensor x, Tensor y, Tensor down, Tensor up, long stride, long padding)
    {
        var rows = y.permute(0, 2, 3, 1);
        if (_mid is null && stride == 1 && down.numel() == down.shape[0] * down.shape[1] && rows.is_contiguous())
        {
            AddRows(x.permute(0, 2, 3, 1).reshape(-1, x.shape[1]), rows.view(-1, y.shape[1]), down, up);
            return;
        }
        var kernel = up.reshape(up.shape[0], up.shape[1], 1, 1);
        var thin = _mid is null ? nn.functional.conv2d(x, Kernel(down, x), strides: [stride, stride], padding: [padding, padding])
            : nn.functional.conv2d(nn.functional.conv2d(x, down), _mid.to(x.dtype), strides: [stride, stride], padding: [padding, padding]);
        y.add_(nn.functional.conv2d(thin, kernel), alpha: _factor);
    }

    private static Tensor Kernel(Tensor down, Tensor x) => down.dim() == 4 ? down.ToChannelsLast() : down.reshape(down.shape[0], x.shape[1], 1, 1);

    private void AddRows(Tensor x, Tensor y, Tensor down, Tensor up)
    {
        var (rank, inputs, outputs) = (down.shape[0], x.shape[1], up.shape[0]);
        OperationCount.AddProduct(x.shape[0], rank, inputs + outputs);
        y.addmm_(x.matmul(down.view(rank, inputs).t()), up.view(outputs, rank).t(), beta: 1, alpha: (float)_factor);
    }
}
