using DiffSynthSharp.Layers;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DiffSynthSharp.Models.TextEncoders;

/// <summary>The encoder of T5 v1.1: pre-norm transformer with a learned bias by distance, computed in float32.</summary>
/// <remarks>
/// google-research/text-to-text-transfer-transformer; key names of huggingface/transformers, models/t5/modeling_t5.py, T5EncoderModel.
/// FLUX.1 and Stable Diffusion 3 attend padding as well, so a mask is optional.
/// </remarks>
internal sealed class T5Encoder : nn.Module<Tensor, Tensor>
{
    [Key("shared")] private readonly Embedding _tokens;
    [Key("encoder")] private readonly Stack _stack;

    public T5Encoder(T5Config config) : base(nameof(T5Encoder))
    {
        Config = config;
        _tokens = new Embedding(config.Vocabulary, config.Width);
        _stack = new Stack(config);
        RegisterComponents();
    }

    public T5Config Config { get; }

    /// <param name="ids">(B, N) int64, every position attended</param>
    /// <returns>(B, N, width) float32, normed</returns>
    public override Tensor forward(Tensor ids) => Encode(ids);

    /// <summary>Encodes rows of tokens.</summary>
    /// <param name="ids">(B, N) int64</param>
    /// <param name="mask">(B, N), nonzero where a token may be attended; null for everywhere. What is masked still gets a state.</param>
    /// <param name="reached">Shown the states (B, N, width) after 0, 1, … blocks, without the final norm; they are freed afterwards.</param>
    /// <returns>(B, N, width) float32, after the final norm</returns>
    public Tensor Encode(Tensor ids, Tensor? mask = null, Action<Tensor>? reached = null)
    {
        using var scope = NewDisposeScope();
        return _stack.Run(_tokens.forward(ids), mask, reached).MoveToOuterDisposeScope();
    }

    private sealed class Stack : nn.Module<Tensor, Tensor>
    {
        [Key("block")] private readonly ModuleList<Block> _blocks;
        [Key("final_layer_norm")] private readonly RmsNorm _norm;

        public Stack(T5Config config) : base(nameof(Stack))
        {
            _blocks = new ModuleList<Block>([.. Enumerable.Range(0, config.Blocks).Select(i => new Block(config, hasPositions: i == 0))]);
            _norm = new RmsNorm(config.Width, config.Epsilon);
            RegisterComponents();
        }

        public override Tensor forward(Tensor embedded) => Run(embedded, null, null);

        public Tensor Run(Tensor x, Tensor? mask, Action<Tensor>? reached)
        {
            using var scope = NewDisposeScope();
            var bias = _blocks[0].Bias(x.shape[1], x.device); // (1, heads, N, N); (B, heads, N, N) with a mask
            if (mask is not null) bias = bias.masked_fill(mask.eq(0).view(x.shape[0], 1, 1, x.shape[1]), float.MinValue);
            reached?.Invoke(x);
            foreach (var block in _blocks)
            {
                var next = block.Run(x, bias);
                x.Dispose();
                x = next;
                reached?.Invoke(x);
            }
            return _norm.forward(x).MoveToOuterDisposeScope();
        }
    }

    private sealed class Block : nn.Module<Tensor, Tensor, Tensor>
    {
        [Key("layer")] private readonly Parts _parts;

        public Block(T5Config config, bool hasPositions) : base(nameof(Block))
        {
            _parts = new Parts(config, hasPositions);
            RegisterComponents();
        }

        public Tensor Bias(long length, Device device) => _parts.Bias(length, device);

        public override Tensor forward(Tensor x, Tensor bias) => Run(x, bias);

        public Tensor Run(Tensor x, Tensor bias)
        {
            BlockBorder.Cross();
            return _parts.forward(x, bias);
        }
    }

    private sealed class Parts : nn.Module<Tensor, Tensor, Tensor>
    {
        [Key("0")] private readonly AttentionPart _attention;
        [Key("1")] private readonly FeedForwardPart _feedForward;

        public Parts(T5Config config, bool hasPositions) : base(nameof(Parts))
        {
            _attention = new AttentionPart(config, hasPositions);
            _feedForward = new FeedForwardPart(config);
            RegisterComponents();
        }

        public Tensor Bias(long length, Device device) => _attention.Bias(length, device);

        public override Tensor forward(Tensor x, Tensor bias)
        {
            using var scope = NewDisposeScope();
            var attended = x + _attention.forward(x, bias);
            return (attended + _feedForward.forward(attended)).MoveToOuterDisposeScope();
        }
    }

    private sealed class AttentionPart : nn.Module<Tensor, Tensor, Tensor>
    {
        [Key("SelfAttention")] private readonly SelfAttention _attention;
        [Key("layer_norm")] private readonly RmsNorm _norm;

        public AttentionPart(T5Config config, bool hasPositions) : base(nameof(AttentionPart))
        {
            _attention = new SelfAttention(config, hasPositions);
            _norm = new RmsNorm(config.Width, config.Epsilon);
            RegisterComponents();
        }

        public Tensor Bias(long length, Device device) => _attention.Bias(length, device);

        public override Tensor forward(Tensor x, Tensor bias)
        {
            using var normed = _norm.forward(x);
            return _attention.forward(normed, bias);
        }
    }

    private sealed class SelfAttention : nn.Module<Tensor, Tensor, Tensor>
    {
        [Key("q")] private readonly Linear _query;
        [Key("k")] private readonly Linear _key;
        [Key("v")] private readonly Linear _value;
        [Key("o")] private readonly Linear _output;
        [Key("relative_attention_bias")] private readonly Embedding? _positions;
        private readonly T5Config _config;

        public SelfAttention(T5Config config, bool hasPositions) : base(nameof(SelfAttention))
        {
            _config = config;
            var inner = config.Heads * config.HeadWidth;
            _query = new Linear(config.Width, inner, bias: false);
            _key = new Linear(config.Width, inner, bias: false);
            _value = new Linear(config.Width, inner, bias: false);
            _output = new Linear(inner, config.Width, bias: false);
            _positions = hasPositions ? new Embedding(config.Buckets, config.Heads) : null;
            RegisterComponents();
        }

        // The bias of a pair hangs on its distance alone, so 2N-1 rows are looked up and each query is given its window of them.
        public Tensor Bias(long length, Device device)
        {
            using var scope = NewDisposeScope();
            var buckets = new long[2 * length - 1];
            for (var i = 0; i < buckets.Length; i++) buckets[i] = T5Positions.Bucket(i - (length - 1), _config.Buckets, _config.MaxDistance);
            var byDistance = _positions!.forward(tensor(buckets).to(device)).transpose(0, 1).contiguous(); // (heads, 2N-1)
            // Window s begins at distance s-(N-1), which is what the query at N-1-s sees first: the windows stand in reverse order.
            return byDistance.unfold(1, length, 1).flip(1).unsqueeze(0).MoveToOuterDisposeScope(); // (1, heads, N, N)
        }

        public override Tensor forward(Tensor x, Tensor bias)
        {
            using var scope = NewDisposeScope();
            var attended = Attention.Biased(_query.forward(x), _key.forward(x), _value.forward(x), _config.Heads, bias);
            return _output.forward(attended).MoveToOuterDisposeScope();
        }
    }

    private sealed class FeedForwardPart : nn.Module<Tensor, Tensor>
    {
        [Key("DenseReluDense")] private readonly GatedFeedForward _inner;
        [Key("layer_norm")] private readonly RmsNorm _norm;

        public FeedForwardPart(T5Config config) : base(nameof(FeedForwardPart))
        {
            _inner = new GatedFeedForward(config.Width, config.Inner);
            _norm = new RmsNorm(config.Width, config.Epsilon);
            RegisterComponents();
        }

        public override Tensor forward(Tensor x)
        {
            using var normed = _norm.forward(x);
            return _inner.forward(normed);
        }
    }

    private sealed class GatedFeedForward : nn.Module<Tensor, Tensor>
    {
        [Key("wi_0")] private readonly Linear _gate;
        [Key("wi_1")] private readonly Linear _value;
        [Key("wo")] private readonly Linear _output;

        public GatedFeedForward(long width, long inner) : base(nameof(GatedFeedForward))
        {
            _gate = new Linear(width, inner, bias: false);
            _value = new Linear(width, inner, bias: false);
            _output = new Linear(inner, width, bias: false);
            RegisterComponents();
        }

        public override Tensor forward(Tensor x)
        {
            using var scope = NewDisposeScope();
            var gate = nn.functional.gelu(_gate.forward(x), GELU.Approximate.tanh);
            return _output.forward(gate.mul_(_value.forward(x))).MoveToOuterDisposeScope();
        }
    }
}
