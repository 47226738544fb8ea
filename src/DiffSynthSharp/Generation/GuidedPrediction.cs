using DiffSynthSharp.Families;
using DiffSynthSharp.Layers;
using DiffSynthSharp.Sampling;
using static TorchSharp.torch;

namespace DiffSynthSharp.Generation;

/// <summary>A region's prompt, encoded.</summary>
/// <param name="Conditioning">Its prompt.</param>
/// <param name="Weight">(1, 1, h, w) softened mask times scale</param>
internal sealed record RegionInput(Conditioning Conditioning, Tensor Weight);

/// <summary>Everything that leads the network in a pass.</summary>
internal sealed record GuidanceInputs
{
    /// <summary>The prompt.</summary>
    public required Conditioning Positive { get; init; }

    /// <summary>The negative prompt; null switches guidance off.</summary>
    public Conditioning? Negative { get; init; }

    /// <summary>Classifier-free guidance scale.</summary>
    public double Scale { get; init; } = 1;

    /// <summary>How far the guided prediction's spread is taken back to the prompt's alone.</summary>
    public double Rescale { get; init; }

    /// <summary>Prompts for parts of the picture.</summary>
    public IReadOnlyList<RegionInput> Regions { get; init; } = [];

    /// <summary>What else the network takes.</summary>
    public NetworkInputs Network { get; init; } = new();

    /// <summary>Runs the whole network in tiles of so many latent cells; null runs it whole.</summary>
    public TileGrid? StepTiles { get; init; }
}

/// <summary>The network with everything that guides it around it: tiles, regions, classifier-free guidance.</summary>
/// <remarks>
/// Each picture's branches are evaluated by themselves: a picture's bits must not depend on the batch it is in, and kernels round
/// differently for other batch sizes. On a CPU that costs nothing.
/// </remarks>
internal sealed class GuidedPrediction(LoadedFamily family, GuidanceInputs inputs)
{
    /// <summary>Latents above which both branches no longer run side by side, which would double the memory and save nothing.</summary>
    private const long LargestPair = 96 * 96;

    /// <param name="latents">(B, C, h, w) in the network's own scaling</param>
    /// <param name="timestep">In training timesteps.</param>
    /// <param name="step">The step that is being made, from 0.</param>
    /// <returns>(B, C, h, w), the guided raw prediction</returns>
    public Tensor Predict(Tensor latents, double timestep, int step)
    {
        using var scope = NewDisposeScope();
        var rows = Enumerable.Range(0, (int)latents.shape[0]).Select(k => PredictOne(latents.narrow(0, k, 1), timestep, inputs.Network.Row(k))).ToArray();
        return (rows.Length == 1 ? rows[0] : cat(rows)).MoveToOuterDisposeScope();
    }

    private Tensor PredictOne(Tensor latents, double timestep, NetworkInputs network)
    {
        using var scope = NewDisposeScope();
        if (inputs.Negative is null) return Regional(latents, timestep, network, Evaluate(latents, timestep, inputs.Positive.Context, network)).MoveToOuterDisposeScope();
        var (without, with) = Branches(latents, timestep, network, inputs.Positive.Context, inputs.Negative.Context);
        with = Regional(latents, timestep, network, with);
        var guided = Guidance.ClassifierFree(with, without, inputs.Scale);
        return (inputs.Rescale > 0 ? Guidance.Rescale(guided, with, inputs.Rescale) : guided).MoveToOuterDisposeScope();
    }

    private Tensor Regional(Tensor latents, double timestep, NetworkInputs network, Tensor global) => inputs.Regions.Count == 0 ? global
        : Guidance.Regional(global, inputs.Regions.Select(region => (Evaluate(latents, timestep, region.Conditioning.Context, network), region.Weight)));

    // Prompts of unlike length can't share a batch, and are never padded to do so.
    private (Tensor Without, Tensor With) Branches(Tensor latents, double timestep, NetworkInputs network, Tensor with, Tensor without)
    {
        if (!with.shape.SequenceEqual(without.shape) || latents.shape[2] * latents.shape[3] > LargestPair)
            return (Evaluate(latents, timestep, without, network with { Unconditional = true }), Evaluate(latents, timestep, with, network));
        var both = Evaluate(cat([latents, latents]), timestep, cat([without, with]), network);
        return (both.narrow(0, 0, 1), both.narrow(0, 1, 1));
    }

    private Tensor Evaluate(Tensor latents, double timestep, Tensor context, NetworkInputs network) => inputs.StepTiles is { } grid
        ? StepTiles.Run(latents, grid, (tile, box) => family.Predict(tile, timestep, context, network.Of(box)))
        : family.Predict(latents, timestep, context, network);
}
