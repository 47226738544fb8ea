using DiffSynthSharp.Layers;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DiffSynthSharp.Models.Transformers;

/// <summary>A block on text and picture in one row of tokens, attention and MLP side by side.</summary>
/// <remarks>black-forest-labs/flux, src/flux/modules/layers.py, SingleStreamBlock. <c>linear1</c> gives queries, keys, values and the MLP's inner layer in one product.</remarks>
internal sealed class FluxSingleBlock : nn.Module<Tensor, Tensor, Tensor, Tensor>
{
    [Key("linear1")] private readonly Linear _fused;
    [Key("linear2")] private readonly Linear _output;
    [Key("norm")] private readonly FluxHeads _split;
    [Key("modulation")] private readonly FluxModulation _modulation;
    private readonly long _heads;
    private readonly long _width;
    private readonly long _inner;

    public FluxSingleBlock(FluxConfig config) : base(nameof(FluxSingleBlock))
    {
        (_heads, _width, _inner) = (config.Heads, config.Width, config.Inner);
        _fused = new Linear(_width, 3 * _width + _inner);
        _output = new Linear(_width + _inner, _width);
        _split = new FluxHeads(config);
        _modulation = new FluxModulation(_width, 1);
        RegisterComponents();
    }

    /// <param name="x">(B, M + N, D)</param>
    /// <param name="condition">(B, D), after its SiLU</param>
    /// <param name="rotary">(M + N, d/2) complex64</param>
    public override Tensor forward(Tensor x, Tensor condition, Tensor rotary)
    {
        BlockBorder.Cross();
        using var scope = NewDisposeScope();
        var modulation = _modulation.forward(condition)[0];
        using var fused = Fused(x, modulation); // (B, M + N, 3·D + inner)
        using var attended = Attend(fused, rotary);
        using var both = BesideMlp(attended, fused); // (B, M + N, D + inner)
        using var change = _output.forward(both);
        return modulation.Add(x, change).MoveToOuterDisposeScope();
    }

    private Tensor Fused(Tensor x, Modulation modulation)
    {
        using var modulated = modulation.Apply(x);
        return _fused.forward(modulated);
    }

    private Tensor Attend(Tensor fused, Tensor rotary)
    {
        using var scope = NewDisposeScope();
        var (query, key, value) = _split.forward(fused);
        var turnedQuery = Rotary.Turn(query, rotary);
        query.Dispose();
        var turnedKey = Rotary.Turn(key, rotary);
        key.Dispose();
        return Attention.MultiHead(turnedQuery, turnedKey, value.flatten(2), _heads).MoveToOuterDisposeScope();
    }

    // The values lie just before the MLP's part and have done their work: what was attended takes their place, and the two halves of the second
    // product's input lie side by side without a copy of the largest tensor there is. Gradients need the values as they were.
    private Tensor BesideMlp(Tensor attended, Tensor fused)
    {
        using var scope = NewDisposeScope();
        var mlp = fused.narrow(2, 3 * _width, _inner);
        if (attended.requires_grad) return cat([attended, mlp.gelu(GELU.Approximate.tanh)], 2).MoveToOuterDisposeScope();
        FluxMlp.Activate(mlp);
        fused.narrow(2, 2 * _width, _width).copy_(attended);
        return fused.narrow(2, 2 * _width, _width + _inner).MoveToOuterDisposeScope();
    }
}
