using DiffSynthSharp.Layers;
using static TorchSharp.torch;

namespace DiffSynthSharp.Models.Transformers;

/// <summary>A block in which picture and text have weights of their own and meet in one attention, text first.</summary>
/// <remarks>black-forest-labs/flux, src/flux/modules/layers.py, DoubleStreamBlock.</remarks>
internal sealed class FluxDoubleBlock : nn.Module<Tensor, Tensor, Tensor, Tensor, (Tensor Image, Tensor Text)>
{
    [Key("img_mod")] private readonly FluxModulation _imageModulation;
    [Key("img_attn")] private readonly FluxAttention _imageAttention;
    [Key("img_mlp")] private readonly FluxMlp _imageMlp;
    [Key("txt_mod")] private readonly FluxModulation _textModulation;
    [Key("txt_attn")] private readonly FluxAttention _textAttention;
    [Key("txt_mlp")] private readonly FluxMlp _textMlp;
    private readonly long _heads;

    public FluxDoubleBlock(FluxConfig config) : base(nameof(FluxDoubleBlock))
    {
        _heads = config.Heads;
        _imageModulation = new FluxModulation(config.Width, 2);
        _imageAttention = new FluxAttention(config);
        _imageMlp = new FluxMlp(config.Width, config.Inner);
        _textModulation = new FluxModulation(config.Width, 2);
        _textAttention = new FluxAttention(config);
        _textMlp = new FluxMlp(config.Width, config.Inner);
        RegisterComponents();
    }

    /// <param name="image">(B, N, D)</param>
    /// <param name="text">(B, M, D)</param>
    /// <param name="condition">(B, D), after its SiLU</param>
    /// <param name="rotary">(M + N, d/2) complex64</param>
    public override (Tensor Image, Tensor Text) forward(Tensor image, Tensor text, Tensor condition, Tensor rotary)
    {
        BlockBorder.Cross();
        using var scope = NewDisposeScope();
        var (ofImage, ofText) = (_imageModulation.forward(condition), _textModulation.forward(condition));
        var attended = Attend(ofImage[0].Apply(image), ofText[0].Apply(text), rotary); // (B, M + N, D)
        var newText = Finish(text, attended.narrow(1, 0, text.shape[1]), ofText, _textAttention, _textMlp);
        var newImage = Finish(image, attended.narrow(1, text.shape[1], image.shape[1]), ofImage, _imageAttention, _imageMlp);
        return (newImage.MoveToOuterDisposeScope(), newText.MoveToOuterDisposeScope());
    }

    /// <summary>The picture as this block's attention sees it: how much it changes from step to step tells how much the output will.</summary>
    /// <param name="image">(B, N, D)</param>
    /// <param name="condition">(B, D), after its SiLU</param>
    public Tensor Modulated(Tensor image, Tensor condition)
    {
        using var scope = NewDisposeScope();
        return _imageModulation.forward(condition)[0].Apply(image).MoveToOuterDisposeScope();
    }

    // Takes ownership of both streams.
    private Tensor Attend(Tensor image, Tensor text, Tensor rotary)
    {
        using var scope = NewDisposeScope();
        var (ofImage, ofText) = (_imageAttention.forward(image), _textAttention.forward(text));
        image.Dispose();
        text.Dispose();
        var value = Joined(ofText.Value, ofImage.Value).flatten(2);
        var query = Turned(ofText.Query, ofImage.Query, rotary);
        var key = Turned(ofText.Key, ofImage.Key, rotary);
        return Attention.MultiHead(query, key, value, _heads).MoveToOuterDisposeScope();
    }

    private static Tensor Turned(Tensor text, Tensor image, Tensor rotary)
    {
        using var both = Joined(text, image);
        return Rotary.Turn(both, rotary);
    }

    private static Tensor Joined(Tensor text, Tensor image)
    {
        using (text)
        using (image) return cat([text, image], 1);
    }

    private static Tensor Finish(Tensor x, Tensor attended, Modulation[] modulations, FluxAttention attention, FluxMlp mlp)
    {
        using var projected = attention.Output(attended);
        using var between = modulations[0].Add(x, projected);
        using var modulated = modulations[1].Apply(between);
        using var change = mlp.forward(modulated);
        return modulations[1].Add(between, change);
    }
}
