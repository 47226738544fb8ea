using DiffSynthSharp.Layers;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace DiffSynthSharp.Models.TextEncoders;

/// <summary>What a CLIP text encoder says about a batch of token rows.</summary>
/// <param name="Hidden">The states after 0, 1, … all layers, each (B, N, width), without the final norm.</param>
/// <param name="Pooled">The normed last state where each row is pooled, (B, width).</param>
internal readonly record struct ClipTextOutput(IReadOnlyList<Tensor> Hidden, Tensor Pooled);

/// <summary>The text tower of CLIP: a causal pre-norm transformer.</summary>
/// <remarks>
/// openai/CLIP clip/model.py (CLIP-L), mlfoundations/open_clip src/open_clip/transformer.py, TextTransformer (CLIP-G); key names of
/// huggingface/transformers models/clip/modeling_clip.py, CLIPTextModel (WithProjection).
/// Padding is attended, as in every published pipeline. Pooling takes the position of the largest id.
/// </remarks>
internal sealed class ClipTextEncoder : nn.Module<Tensor, ClipTextOutput>
{
    [Key("text_model")] private readonly TextModel _text;
    [Key("text_projection")] private readonly Linear? _projection;

    public ClipTextEncoder(ClipTextConfig config) : base(nameof(ClipTextEncoder))
    {
        Config = config;
        _text = new TextModel(config);
        _projection = config.Projection > 0 ? new Linear(config.Width, config.Projection, bias: false) : null;
        RegisterComponents();
    }

    public ClipTextConfig Config { get; }

    /// <param name="ids">(B, N) int64, N up to the number of positions</param>
    public override ClipTextOutput forward(Tensor ids) => Encode(ids, null);

    /// <summary>Encodes rows in which some ids stand for learned vectors.</summary>
    /// <param name="ids">(B, N) int64, N up to the number of positions</param>
    /// <param name="learned">(n, width) float32, the vectors of the ids behind the vocabulary; null for none.</param>
    public ClipTextOutput Encode(Tensor ids, Tensor? learned)
    {
        using var scope = NewDisposeScope();
        var hidden = _text.Hidden(ids, learned);
        using var normed = _text.Norm(hidden[^1]);
        var at = PoolAt(ids, Config.EndId); // (B)
        var pooled = normed[arange(ids.shape[0]), at]; // (B, width)
        foreach (var state in hidden) state.MoveToOuterDisposeScope();
        return new(hidden, pooled.MoveToOuterDisposeScope());
    }

    /// <summary>Where each row of ids is pooled: at its largest id, or at the first <paramref name="endId"/> (the row's start when there is none).</summary>
    /// <param name="ids">(B, N)</param>
    /// <param name="endId">Null for the largest.</param>
    /// <returns>(B) int64</returns>
    internal static Tensor PoolAt(Tensor ids, long? endId)
    {
        if (endId is null) return ids.argmax(-1);
        using var hits = ids.eq(endId.Value);
        using var numbers = hits.to(ScalarType.Int32);
        return numbers.argmax(-1);
    }

    /// <summary>The final layer norm, which a prompt embedding passes whatever layer it is taken from.</summary>
    /// <param name="hidden">(B, N, width)</param>
    public Tensor Norm(Tensor hidden) => _text.Norm(hidden);

    /// <summary>The pooled vector through the projection, where the file has one.</summary>
    /// <param name="pooled">(B, width)</param>
    public Tensor Project(Tensor pooled) => _projection is null ? pooled.alias() : _projection.forward(pooled);

    private sealed class TextModel : nn.Module<Tensor, Tensor>
    {
        [Key("embeddings")] private readonly Embeddings _embeddings;
        [Key("encoder")] private readonly Encoder _encoder;
        [Key("final_layer_norm")] private readonly LayerNorm _norm;

        public TextModel(ClipTextConfig config) : base(nameof(TextModel))
        {
            _embeddings = new Embeddings(config);
            _encoder = new Encoder(config);
            _norm = new LayerNorm(config.Width);
            RegisterComponents();
        }

        public List<Tensor> Hidden(Tensor ids, Tensor? learned) => _encoder.Hidden(_embeddings.Embed(ids, learned));

        public Tensor Norm(Tensor hidden) => _norm.forward(hidden);

        public override Tensor forward(Tensor ids) => Norm(Hidden(ids, null)[^1]);
    }

    private sealed class Embeddings : nn.Module<Tensor, Tensor>
    {
        [Key("token_embedding")] private readonly Embedding _tokens;
        [Key("position_embedding")] private readonly Embedding _positions;

        public Embeddings(ClipTextConfig config) : base(nameof(Embeddings))
        {
            _tokens = new Embedding(config.Vocabulary, config.Width);
            _positions = new Embedding(config.Positions, config.Width);
            RegisterComponents();
        }

        public override Tensor forward(Tensor ids) => Embed(ids, null);

        public Tensor Embed(Tensor ids, Tensor? learned)
        {
            using var scope = NewDisposeScope();
            var positions = _positions.forward(arange(ids.shape[1], device: ids.device)); // (N, width)
            return ((learned is null ? _tokens.forward(ids) : Tokens(ids, learned)) + positions).MoveToOuterDisposeScope();
        }

        private Tensor Tokens(Tensor ids, Tensor learned)
        {
            using var scope = NewDisposeScope();
            var behind = ids - _tokens.Count;
            var own = _tokens.forward(ids.clamp_max(_tokens.Count - 1));
            var added = learned.index_select(0, behind.clamp_min(0).flatten()).view(own.shape);
            return where(behind.ge(0).unsqueeze(-1), added, own).MoveToOuterDisposeScope();
        }
    }

    private sealed class Encoder : nn.Module<Tensor, Tensor>
    {
        [Key("layers")] private readonly ModuleList<EncoderLayer> _layers;

        public Encoder(ClipTextConfig config) : base(nameof(Encoder))
        {
            _layers = new ModuleList<EncoderLayer>([.. Enumerable.Range(0, config.Layers).Select(_ => new EncoderLayer(config))]);
            RegisterComponents();
        }

        public List<Tensor> Hidden(Tensor embedded)
        {
            var states = new List<Tensor> { embedded };
            foreach (var layer in _layers) states.Add(layer.forward(states[^1]));
            return states;
        }

        public override Tensor forward(Tensor embedded) => Hidden(embedded)[^1];
    }

    private sealed class EncoderLayer : nn.Module<Tensor, Tensor>
    {
        [Key("self_attn")] private readonly SelfAttention _attention;
        [Key("layer_norm1")] private readonly LayerNorm _norm1;
        [Key("mlp")] private readonly Mlp _mlp;
        [Key("layer_norm2")] private readonly LayerNorm _norm2;

        public EncoderLayer(ClipTextConfig config) : base(nameof(EncoderLayer))
        {
            _attention = new SelfAttention(config.Width, config.Heads);
            _norm1 = new LayerNorm(config.Width);
            _mlp = new Mlp(config);
            _norm2 = new LayerNorm(config.Width);
            RegisterComponents();
        }

        public override Tensor forward(Tensor x)
        {
            BlockBorder.Cross();
            using var scope = NewDisposeScope();
            x = x + _attention.forward(_norm1.forward(x));
            return (x + _mlp.forward(_norm2.forward(x))).MoveToOuterDisposeScope();
        }
    }

    private sealed class SelfAttention : nn.Module<Tensor, Tensor>
    {
        [Key("q_proj")] private readonly Linear _query;
        [Key("k_proj")] private readonly Linear _key;
        [Key("v_proj")] private readonly Linear _value;
        [Key("out_proj")] private readonly Linear _output;
        private readonly long _heads;

        public SelfAttention(long width, long heads) : base(nameof(SelfAttention))
        {
            _heads = heads;
            _query = new Linear(width, width);
            _key = new Linear(width, width);
            _value = new Linear(width, width);
            _output = new Linear(width, width);
            RegisterComponents();
        }

        public override Tensor forward(Tensor x)
        {
            using var scope = NewDisposeScope();
            var attended = Attention.MultiHead(_query.forward(x), _key.forward(x), _value.forward(x), _heads, causal: true);
            return _output.forward(attended).MoveToOuterDisposeScope();
        }
    }

    private sealed class Mlp : nn.Module<Tensor, Tensor>
    {
        [Key("fc1")] private readonly Linear _expand;
        [Key("fc2")] private readonly Linear _contract;
        private readonly bool _quickGelu;

        public Mlp(ClipTextConfig config) : base(nameof(Mlp))
        {
            _quickGelu = config.QuickGelu;
            _expand = new Linear(config.Width, config.Inner);
            _contract = new Linear(config.Inner, config.Width);
            RegisterComponents();
        }

        public override Tensor forward(Tensor x)
        {
            using var scope = NewDisposeScope();
            var inner = _expand.forward(x);
            inner = _quickGelu ? inner * sigmoid(1.702 * inner) : nn.functional.gelu(inner);
            return _contract.forward(inner).MoveToOuterDisposeScope();
        }
    }
}
