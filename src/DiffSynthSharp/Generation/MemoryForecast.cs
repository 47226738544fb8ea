using DiffSynthSharp.Families;
using DiffSynthSharp.Generation;
using DiffSynthSharp.Memory;
using DiffSynthSharp.Runtime;
using DiffSynthSharp.Sampling;

namespace DiffSynthSharp;

/// <summary>What a phase will take.</summary>
/// <param name="Phase">Load, encode (all prompts), step (one, of one picture) or decode (one picture).</param>
/// <param name="WeightBytes">Weights in memory, those that are widened for a use among them.</param>
/// <param name="ActivationBytes">Most bytes of other tensors that are alive at once.</param>
/// <param name="PeakBytes">Most resident memory of the process.</param>
/// <param name="ReadBytes">Bytes that are read from files, as far as the system does not have them in memory already.</param>
/// <param name="Operations">Multiplications and additions.</param>
public sealed record PhaseForecast(GenerationPhase Phase, long WeightBytes, long ActivationBytes, long PeakBytes, long ReadBytes, long Operations);

/// <summary>What making pictures with a model will take, from its files' headers. On a GPU these are bytes of its memory and the process's together.</summary>
/// <param name="Family">The model's family.</param>
/// <param name="Mode">How weights are kept.</param>
/// <param name="Reason">Why so, in one line.</param>
/// <param name="Size">Pixels.</param>
/// <param name="ModelCalls">Steps of a picture, counted by how often the sampler asks the network.</param>
/// <param name="Pictures">How many.</param>
/// <param name="FreeBytes">Memory that is free now.</param>
/// <param name="Phases">In their order.</param>
/// <remarks>LoRAs, ControlNets, regions and pictures to start from are not counted.</remarks>
public sealed record MemoryForecast(
    string Family, MemoryMode Mode, string Reason, (int Width, int Height) Size, int ModelCalls, int Pictures, long FreeBytes, IReadOnlyList<PhaseForecast> Phases)
{
    /// <summary>Most resident memory of the process, over all phases.</summary>
    public long PeakBytes => Phases.Max(phase => phase.PeakBytes);

    /// <summary>A phase's part.</summary>
    public PhaseForecast Of(GenerationPhase phase) => Phases.First(forecast => forecast.Phase == phase);

    /// <summary>Foretells what pictures will take.</summary>
    /// <param name="path">A checkpoint or a folder.</param>
    /// <param name="pictures">The pictures.</param>
    /// <param name="options">Files of single parts, memory mode and budget.</param>
    /// <exception cref="DiffSynthException">A part is missing or damaged, or the pictures don't fit the model; the message says what to change.</exception>
    public static MemoryForecast Of(string path, PlannedPictures pictures, LoadOptions? options = null)
    {
        options ??= new();
        using var files = ModelFiles.Open(path, options);
        var family = FamilyCatalogue.Choose(files);
        family.Check(options);
        family.Check(files);
        if (pictures.TextLength is not null && !family.Has(PartOption.T5)) throw FamilyValues.Unfit("text length (--text-length)", FamilyValues.WithoutT5(family.Name));
        TorchRuntime.EnsureLoaded();
        return Of(files, family, pictures, options);
    }

    /// <summary>Foretells what pictures will take.</summary>
    /// <param name="files">The model's files.</param>
    /// <param name="family">Its family.</param>
    /// <param name="pictures">The pictures.</param>
    /// <param name="options">Memory mode and budget.</param>
    /// <param name="isMeasured">Whether only the denoising network need be there, and text encoders are left out.</param>
    /// <exception cref="DiffSynthException">The pictures don't fit the model, or a tensor is missing or of another shape.</exception>
    internal static MemoryForecast Of(ModelFiles files, ModelFamily family, PlannedPictures pictures, LoadOptions options, bool isMeasured = false)
    {
        var (request, outline, free) = (pictures.Request, family.Outline(files), FreeMemory.Bytes());
        if (isMeasured && outline.LeavesTextOut) outline = outline with { Networks = [.. outline.Networks.Where(network => network.Phase != ModelPhase.Encode)] };
        RequestCheck.Values(request);
        var (width, height) = pictures.Size ?? outline.DefaultSize;
        RequestCheck.Fits(width, height, family.Name, outline.SizeMultiple);
        var plan = ModelWeights.PlanOf(files, family, options, free);
        var cells = (Height: (long)height / outline.Latents.Reduction, Width: (long)width / outline.Latents.Reduction);
        var sampling = SamplingPlan.Create(family.SchedulerOf(files), null, null, null, pictures.Steps, latents: cells);
        var phases = new PhaseForecasts(outline, plan, outline.Networks.ToDictionary(network => network, network => Weigh(files, network, plan)), isMeasured);
        return new(family.Name, plan.Mode, plan.Reason, (width, height), sampling.ModelCalls, pictures.Count, free, phases.Of(pictures, cells));
    }

    private static WeightFootprint Weigh(ModelFiles files, NetworkOutline network, MemoryPlan plan)
    {
        if (files.Find(network.Kind) is not { Weights: var weights }) return WeightFootprint.OfRandom(network.Create());
        return WeightFootprint.Of(network.Create(), weights, network.Kind.Name,
            new Residency(TorchSharp.torch.CPU, plan).Decide);
    }
}
