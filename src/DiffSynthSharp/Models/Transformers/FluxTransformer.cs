using DiffSynthSharp.Layers;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DiffSynthSharp.Models.Transformers;

/// <summary>What FLUX.1's transformer looks at in one call.</summary>
/// <param name="Image">(B, N, input channels), the noisy patches.</param>
/// <param name="Text">(B, M, context width), T5's states.</param>
/// <param name="Pooled">(B, pooled width), CLIP's vector for the whole prompt.</param>
/// <param name="Sigma">(B) float32, 0 … 1, the share of noise.</param>
/// <param name="Guidance">(B) float32, such as 3.5; only where the network is told it.</param>
/// <param name="Positions">(M + N, 3), text first.</param>
internal readonly record struct FluxTokens(Tensor Image, Tensor Text, Tensor Pooled, Tensor Sigma, Tensor? Guidance, Tensor Positions)
{
    /// <summary>What a run of steps remembers to skip blocks; null computes all of them.</summary>
    public BlockRepeats? Repeats { get; init; }
}

/// <summary>FLUX.1's transformer: text and picture side by side, then in one row.</summary>
/// <remarks>black-forest-labs/flux, src/flux/model.py, Flux.</remarks>
internal sealed class FluxTransformer : nn.Module<FluxTokens, Tensor>
{
    [Key("img_in")] private readonly Linear _imageInput;
    [Key("time_in")] private readonly FluxEmbedder _time;
    [Key("vector_in")] private readonly FluxEmbedder _pooled;
    [Key("guidance_in")] private readonly FluxEmbedder? _guidance;
    [Key("txt_in")] private readonly Linear _textInput;
    [Key("double_blocks")] private readonly ModuleList<FluxDoubleBlock> _doubleBlocks;
    [Key("single_blocks")] private readonly ModuleList<FluxSingleBlock> _singleBlocks;
    [Key("final_layer")] private readonly FluxHead _head;

    /// <exception cref="DiffSynthException">The sizes are those of a network that needs more than text.</exception>
    public FluxTransformer(FluxConfig config) : base(nameof(FluxTransformer))
    {
        if (config.OtherKind is { } kind)
            throw new DiffSynthException(
                $"This transformer takes {config.InputChannels} numbers for each patch, expected {config.OutputChannels}: it is {kind}, which is not supported. Choose a FLUX.1-dev or FLUX.1-schnell.");
        Config = config;
        _imageInput = new Linear(config.InputChannels, config.Width);
        _time = new FluxEmbedder(config.TimeWidth, config.Width);
        _pooled = new FluxEmbedder(config.PooledWidth, config.Width);
        _guidance = config.HasGuidance ? new FluxEmbedder(config.TimeWidth, config.Width) : null;
        _textInput = new Linear(config.ContextWidth, config.Width);
        _doubleBlocks = new ModuleList<FluxDoubleBlock>([.. Enumerable.Range(0, config.DoubleBlocks).Select(_ => new FluxDoubleBlock(config))]);
        _singleBlocks = new ModuleList<FluxSingleBlock>([.. Enumerable.Range(0, config.SingleBlocks).Select(_ => new FluxSingleBlock(config))]);
        _head = new FluxHead(config);
        RegisterComponents();
    }

    public FluxConfig Config { get; }

    /// <summary>The velocity at noisy latents: noise less picture.</summary>
    /// <param name="latents">(B, C, h, w) with even sides, of the element type to compute in</param>
    /// <param name="sigma">(B) float32, 0 … 1</param>
    /// <param name="context">(B, M, context width)</param>
    /// <param name="pooled">(B, pooled width)</param>
    /// <param name="guidance">(B) float32, such as 3.5; ignored by a network that isn't told it.</param>
    /// <param name="repeats">What this run of steps remembers to skip blocks; null computes all of them.</param>
    /// <returns>(B, C, h, w)</returns>
    /// <exception cref="DiffSynthException">A side of the latents is odd.</exception>
    public Tensor Run(Tensor latents, Tensor sigma, Tensor context, Tensor pooled, Tensor? guidance, BlockRepeats? repeats = null)
    {
        using var scope = NewDisposeScope();
        var (height, width) = (latents.shape[2], latents.shape[3]);
        var patches = FluxPatches.Pack(latents);
        var positions = FluxPatches.Positions(context.shape[1], height / FluxConfig.Patch, width / FluxConfig.Patch);
        var velocity = forward(new(patches, context.to(latents.dtype), pooled.to(latents.dtype), sigma, guidance, positions) { Repeats = repeats });
        return FluxPatches.Unpack(velocity, height, width).MoveToOuterDisposeScope();
    }

    /// <returns>(B, N, output channels), the velocity of each patch</returns>
    public override Tensor forward(FluxTokens tokens)
    {
        using var scope = NewDisposeScope();
        var condition = Condition(tokens); // (B, D)
        var rotary = Rotary.Table(tokens.Positions, Config.RotaryAxes).to(tokens.Image.device); // (M + N, d/2)
        var image = _imageInput.forward(tokens.Image); // (B, N, D)
        var blocks = (Tensor entering) => Blocks(entering, _textInput.forward(tokens.Text), condition, rotary);
        var left = tokens.Repeats is { } repeats && _doubleBlocks.Count > 0 ? repeats.Run(image, _doubleBlocks[0].Modulated(image, condition), blocks) : blocks(image);
        return _head.forward(left, condition).MoveToOuterDisposeScope();
    }

    /// <summary>The number whose sinusoids the network sees, for a sigma or a guidance.</summary>
    /// <param name="value">(B)</param>
    /// <param name="type">The element type in which the product with 1000 is rounded.</param>
    /// <returns>(B) float32</returns>
    internal static Tensor Thousandfold(Tensor value, ScalarType type)
    {
        using var scope = NewDisposeScope();
        return (value.to(type) * 1000).to(ScalarType.Float32).MoveToOuterDisposeScope();
    }

    // In bfloat16 every reference implementation rounds the guidance, 3.5 becoming 3504; sigma stays exact as in DiffSynth-Studio.
    private Tensor Condition(FluxTokens tokens)
    {
        using var scope = NewDisposeScope();
        var type = tokens.Image.dtype;
        var sum = _time.forward(Sinusoids(Thousandfold(tokens.Sigma, ScalarType.Float32), type));
        if (_guidance is not null)
        {
            var guidance = tokens.Guidance ?? throw new ArgumentException("This network must be told the guidance.", nameof(tokens));
            sum = sum + _guidance.forward(Sinusoids(Thousandfold(guidance, type), type));
        }
        return nn.functional.silu(sum + _pooled.forward(tokens.Pooled)).MoveToOuterDisposeScope();
    }

    private Tensor Sinusoids(Tensor numbers, ScalarType type)
    {
        using var exact = TimestepEmbedding.Sinusoids(numbers, Config.TimeWidth);
        return exact.to(type);
    }

    // Takes ownership of both streams; each is freed as soon as the next one stands.
    private Tensor Blocks(Tensor image, Tensor text, Tensor condition, Tensor rotary)
    {
        foreach (var block in _doubleBlocks)
        {
            using var previousImage = image;
            using var previousText = text;
            (image, text) = block.forward(previousImage, previousText, condition, rotary);
        }
        var (textCount, imageCount) = (text.shape[1], image.shape[1]);
        var both = cat([text, image], 1); // (B, M + N, D)
        text.Dispose();
        image.Dispose();
        foreach (var block in _singleBlocks)
        {
            using var previous = both;
            both = block.forward(previous, condition, rotary);
        }
        using (both) return both.narrow(1, textCount, imageCount);
    }

    /// <summary>The last norm, shifted and scaled, and the projection to patches. Keys <c>adaLN_modulation.1</c> and <c>linear</c>.</summary>
    /// <remarks>black-forest-labs/flux, src/flux/modules/layers.py, LastLayer: shift, then scale.</remarks>
    private sealed class FluxHead : nn.Module<Tensor, Tensor, Tensor>
    {
        [Key("linear")] private readonly Linear _output;
        [Key("adaLN_modulation")] private readonly Modulations _modulations;

        public FluxHead(FluxConfig config) : base(nameof(FluxHead))
        {
            _output = new Linear(config.Width, config.OutputChannels);
            _modulations = new Modulations(config.Width);
            RegisterComponents();
        }

        public override Tensor forward(Tensor x, Tensor condition)
        {
            BlockBorder.Cross();
            using var scope = NewDisposeScope();
            var halves = _modulations.forward(condition).unsqueeze(1).chunk(2, -1); // (B, 1, D) each
            return _output.forward(Modulation.Apply(x, halves[0], halves[1])).MoveToOuterDisposeScope();
        }

        private sealed class Modulations : nn.Module<Tensor, Tensor>
        {
            [Key("1")] private readonly Linear _linear;

            public Modulations(long width) : base(nameof(Modulations))
            {
                _linear = new Linear(width, 2 * width);
                RegisterComponents();
            }

            public override Tensor forward(Tensor condition) => _linear.forward(condition);
        }
    }
}
