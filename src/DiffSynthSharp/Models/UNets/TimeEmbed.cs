using DiffSynthSharp.Layers;
using static TorchSharp.torch;

namespace DiffSynthSharp.Models.UNets;

/// <summary>The timestep as a vector for the residual blocks.</summary>
/// <remarks>CompVis/stable-diffusion, ldm/modules/diffusionmodules/openaimodel.py, UNetModel.time_embed.</remarks>
internal sealed class TimeEmbed : nn.Module<Tensor, Tensor>
{
    [Key("0")] private readonly Linear _first;
    [Key("2")] private readonly Linear _second;
    private readonly long _width;

    public TimeEmbed(long width, long embedding) : base(nameof(TimeEmbed))
    {
        _width = width;
        _first = new Linear(width, embedding);
        _second = new Linear(embedding, embedding);
        RegisterComponents();
    }

    // Each residual block begins its embedding layers with the same SiLU, so it is taken once, here.
    public override Tensor forward(Tensor timesteps)
    {
        using var scope = NewDisposeScope();
        var hidden = nn.functional.silu(_first.forward(TimestepEmbedding.Sinusoids(timesteps, _width)));
        return nn.functional.silu(_second.forward(hidden)).MoveToOuterDisposeScope();
    }
}
