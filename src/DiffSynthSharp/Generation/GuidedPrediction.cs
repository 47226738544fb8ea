using DiffSynthSharp.Families;
using DiffSynthSharp.Layers;
using DiffSynthSharp.Models.Transformers;
using DiffSynthSharp.Sampling;
using static TorchSharp.torch;

namespace DiffSynthSharp.Generation;

/// <summary>A region's prompt, encoded.</summary>
/// <param name="Prompt">Its prompt.</param>
/// <param name="Weight">(1, 1, h, w) softened mask times scale</param>
internal sealed record RegionInput(PromptContexts Prompt, Tensor Weight);

/// <summary>Skip-layer guidance of a pass.</summary>
/// <param name="Layers">What was asked for.</param>
/// <param name="Steps">Steps of the pass.</param>
internal sealed record SkippedLayers(SkipLayers Layers, int Steps)
{
    /// <summary>Whether it leads at a step, from 0.</summary>
    public bool IsActive(int step) => step > Steps * Layers.Start && step < Steps * Layers.End;
}

/// <summary>Everything that leads the network in a pass.</summary>
internal sealed record GuidanceInputs
{
    /// <summary>The prompt.</summary>
    public required PromptContexts Positive { get; init; }

    /// <summary>The negative prompt; null switches guidance off. Prompts composed of several need it.</summary>
    public PromptContexts? Negative { get; init; }

    /// <summary>Classifier-free guidance scale.</summary>
    public double Scale { get; init; } = 1;

    /// <summary>How far the guided prediction's spread is taken back to the prompt's alone.</summary>
    public double Rescale { get; init; }

    /// <summary>Prompts for parts of the picture.</summary>
    public IReadOnlyList<RegionInput> Regions { get; init; } = [];

    /// <summary>What else the network takes.</summary>
    public NetworkInputs Network { get; init; } = new();

    /// <summary>ControlNets of the pass.</summary>
    public IReadOnlyList<ScheduledControl> Controls { get; init; } = [];

    /// <summary>Skip-layer guidance; null for none.</summary>
    public SkippedLayers? SkipLayers { get; init; }

    /// <summary>What each picture of the batch remembers to skip steps; empty computes all.</summary>
    public IReadOnlyList<BlockRepeats> Repeats { get; init; } = [];

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

    /// <summary>Whether both prompts' branches run side by side on a map of so many cells.</summary>
    public static bool RunsPairs(long cells) => cells <= LargestPair;

    /// <param name="latents">(B, C, h, w) in the network's own scaling</param>
    /// <param name="timestep">In training timesteps.</param>
    /// <param name="step">The step that is being made, from 0.</param>
    /// <returns>(B, C, h, w), the guided raw prediction</returns>
    public Tensor Predict(Tensor latents, double timestep, int step)
    {
        using var scope = NewDisposeScope();
        var network = inputs.Network with { Controls = [.. inputs.Controls.Where(control => control.IsActive(step)).Select(control => control.Control)] };
        var rows = Enumerable.Range(0, (int)latents.shape[0]).Select(k => PredictOne(new(latents.narrow(0, k, 1), timestep, step, network.Row(k) with { Repeats = inputs.Repeats.Count > 0 ? inputs.Repeats[k] : null }))).ToArray();
        return (rows.Length == 1 ? rows[0] : cat(rows)).MoveToOuterDisposeScope();
    }

    // One picture at one step.
    private readonly record struct Moment(Tensor Latents, double Timestep, int Step, NetworkInputs Network);

    private Tensor PredictOne(Moment at)
    {
        using var scope = NewDisposeScope();
        if (inputs.Negative is null) return Regional(at, Composed(at, inputs.Positive, null), null).MoveToOuterDisposeScope();
        var negative = inputs.Negative.At(at.Step)[0].Text;
        Tensor without, with;
        if (inputs.Positive.IsComposed)
        {
            without = Evaluate(at, negative, isNegative: true);
            with = Composed(at, inputs.Positive, without);
        }
        else
            (without, with) = Branches(at, inputs.Positive.At(at.Step)[0].Text, negative);
        with = Regional(at, with, without);
        var guided = Guidance.ClassifierFree(with, without, inputs.Scale);
        if (inputs.SkipLayers is { } skip && skip.IsActive(at.Step)) guided = guided + (with - Skipping(at, skip.Layers.Blocks)) * skip.Layers.Scale;
        return (inputs.Rescale > 0 ? Guidance.Rescale(guided, with, inputs.Rescale) : guided).MoveToOuterDisposeScope();
    }

    private Tensor Skipping(Moment at, IReadOnlyList<int> blocks)
        => Evaluate(at with { Network = at.Network with { SkippedBlocks = blocks } }, inputs.Positive.At(at.Step)[0].Text);

    private Tensor Regional(Moment at, Tensor global, Tensor? without) => inputs.Regions.Count == 0 ? global
        : Guidance.Regional(global, inputs.Regions.Select(region => (Composed(at, region.Prompt, without), region.Weight)));

    // Each prompt's difference from the negative one counts by its weight: Liu et al. 2022, arXiv 2206.01714, as A1111 has it.
    private Tensor Composed(Moment at, PromptContexts prompt, Tensor? without)
    {
        var parts = prompt.At(at.Step);
        if (!prompt.IsComposed) return Evaluate(at, parts[0].Text);
        using var scope = NewDisposeScope();
        var sum = without!;
        foreach (var (text, weight) in parts) sum = sum + (Evaluate(at, text) - without!) * weight;
        return sum.MoveToOuterDisposeScope();
    }

    // Prompts of unlike length can't share a batch, and are never padded to do so.
    private (Tensor Without, Tensor With) Branches(Moment at, Conditioning with, Conditioning without)
    {
        var isEachItsOwn = at.Network.Repeats is not null || at.Network.Controls.Any(control => control.SparesNegative);
        if (isEachItsOwn || !with.FitsBeside(without) || !RunsPairs(at.Latents.shape[2] * at.Latents.shape[3]))
            return (Evaluate(at, without, isNegative: true), Evaluate(at, with));
        var both = Evaluate(at with { Latents = cat([at.Latents, at.Latents]) }, Conditioning.Join(without, with));
        return (both.narrow(0, 0, 1), both.narrow(0, 1, 1));
    }

    private Tensor Evaluate(Moment at, Conditioning text, bool isNegative = false)
    {
        var network = isNegative ? at.Network with { Unconditional = true, Repeats = null } : at.Network;
        return inputs.StepTiles is { } grid
            ? family.PredictInTiles(at.Latents, grid, (tile, box) => family.Predict(tile, at.Timestep, text, network.Of(box)))
            : family.Predict(at.Latents, at.Timestep, text, network);
    }
}
