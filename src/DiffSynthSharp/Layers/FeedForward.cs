using static TorchSharp.torch;

namespace DiffSynthSharp.Layers;

/// <summary>Gated feed-forward: the first projection gives value and gate, exact GELU on the gate. Keys <c>net.0.proj</c> and <c>net.2</c>.</summary>
/// <remarks>CompVis/stable-diffusion, ldm/modules/attention.py, GEGLU and FeedForward.</remarks>
internal sealed class FeedForward : nn.Module<Tensor, Tensor>
{
    [Key("net")] private readonly Net _net;

    public FeedForward(long width, long expansion = 4) : base(nameof(FeedForward))
    {
        _net = new Net(width, width * expansion);
        RegisterComponents();
    }

    /// <param name="x">(B, N, width)</param>
    public override Tensor forward(Tensor x) => _net.forward(x);

    private sealed class Net : nn.Module<Tensor, Tensor>
    {
        [Key("0")] private readonly GatedProjection _gated;
        [Key("2")] private readonly Linear _output;

        public Net(long width, long inner) : base(nameof(Net))
        {
            _gated = new GatedProjection(width, inner);
            _output = new Linear(inner, width);
            RegisterComponents();
        }

        public override Tensor forward(Tensor x)
        {
            using var gated = _gated.forward(x);
            return _output.forward(gated);
        }
    }

    private sealed class GatedProjection : nn.Module<Tensor, Tensor>
    {
        [Key("proj")] private readonly Linear _projection;

        public GatedProjection(long width, long inner) : base(nameof(GatedProjection))
        {
            _projection = new Linear(width, 2 * inner);
            RegisterComponents();
        }

        public override Tensor forward(Tensor x)
        {
            using var scope = NewDisposeScope();
            var halves = _projection.forward(x).chunk(2, -1); // value, gate
            return (halves[0] * nn.functional.gelu(halves[1])).MoveToOuterDisposeScope();
        }
    }
}
