using DiffSynthSharp.Kernels;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DiffSynthSharp.Layers;

/// <summary><c>y = x Wᵀ + b</c> over the last axis.</summary>
/// <remarks>On the CPU a large weight is multiplied in panels of rows, so that of one that is stored in fewer bits no more than a panel is ever
/// widened. Panels are the same whatever the storage, and so is the result.</remarks>
internal sealed class Linear : Leaf
{
    /// <summary>Elements of a panel at most: 64 MiB as float32.</summary>
    internal const long PanelElements = 16 << 20;
    private const long PanelStep = 64;
    private const long SliceOutputs = 1024;

    [Key("weight")] private Parameter? _weight;
    [Key("bias")] private Parameter? _bias;

    public Linear(long inputs, long outputs, bool bias = true) : base(nameof(Linear))
    {
        _weight = Unfilled(outputs, inputs);
        _bias = bias ? Unfilled(outputs) : null;
        RegisterComponents();
    }

    protected override ref Parameter? Slot(string name) => ref name == "weight" ? ref _weight : ref _bias;

    /// <summary>Whether large products are made by oneDNN on this machine: it rounds otherwise than MKL.</summary>
    public static bool IsConvolution => RowProduct.IsConvolution;

    /// <summary>Most bytes that a product takes besides its operands and its answer: the weight as a convolution arranges it.</summary>
    /// <param name="leaf">The layer; others than linear ones take nothing here.</param>
    /// <param name="elements">Of its weight.</param>
    public static long ArrangedBytes(Leaf leaf, long elements) => !IsConvolution || leaf is not Linear linear ? 0
        : sizeof(float) * (elements > PanelElements ? SliceOutputs * linear._weight!.shape[1] : elements);

    public override bool CanHold(string name) => name == "weight";

    /// <param name="x">(…, inputs)</param>
    /// <returns>(…, outputs)</returns>
    public override Tensor forward(Tensor x)
    {
        var (outputs, inputs) = (_weight!.shape[0], _weight.shape[1]);
        OperationCount.AddProduct(x.numel() / inputs, inputs, outputs);
        using var bias = _bias is null ? null : Compute("bias", _bias, x.dtype);
        if (inputs * outputs > PanelElements && TakesPanels(x)) return WithDeltas(x, InPanels(x, bias));
        using var weight = Compute("weight", _weight, x.dtype);
        return WithDeltas(x, RowProduct.Of(x, weight, bias));
    }

    // Gradients run through the whole weight; adapters that change weights are given the whole one, too.
    private bool TakesPanels(Tensor x)
        => x.device_type == TorchSharp.DeviceType.CPU && !ChangesWeights && !(is_grad_enabled() && (x.requires_grad || _weight!.requires_grad));

    private Tensor InPanels(Tensor x, Tensor? bias)
    {
        using var scope = NewDisposeScope();
        var (outputs, inputs) = (_weight!.shape[0], _weight.shape[1]);
        var rows = x.reshape(-1, inputs);
        var y = empty(rows.shape[0], outputs, dtype: x.dtype);
        var step = Math.Max(PanelElements / inputs / PanelStep, 1) * PanelStep;
        var stored = StoredOf("weight");
        stored?.BeginUse();
        try
        {
            for (var first = 0L; first < outputs; first += step) AddPanel(rows, bias, y, first, Math.Min(step, outputs - first));
        }
        finally
        {
            stored?.EndUse();
        }
        return y.view([.. x.shape[..^1], outputs]).MoveToOuterDisposeScope();
    }

    private void AddPanel(Tensor rows, Tensor? bias, Tensor y, long first, long count)
    {
        using var scope = NewDisposeScope();
        var panel = StoredOf("weight")?.Widen(first, count, rows.dtype) ?? _weight!.narrow(0, first, count).to(rows.dtype);
        var part = y.narrow(1, first, count);
        if (RowProduct.Convolves(rows, panel))
        {
            for (var slice = 0L; slice < count; slice += SliceOutputs) AddSlice(rows, panel, bias?.narrow(0, first, count), part, slice, Math.Min(SliceOutputs, count - slice));
            return;
        }
        if (bias is not null) part.copy_(bias.narrow(0, first, count));
        part.addmm_(rows, panel.t(), beta: bias is null ? 0 : 1, alpha: 1);
    }

    // A convolution can't write in place: slices keep what it makes small beside the panel.
    private static void AddSlice(Tensor rows, Tensor panel, Tensor? bias, Tensor part, long first, long count)
    {
        using var scope = NewDisposeScope();
        part.narrow(1, first, count).copy_(RowProduct.Convolve(rows, panel.narrow(0, first, count), bias?.narrow(0, first, count)));
    }
}
