using System.Globalization;
using DiffSynthSharp.Families;
using DiffSynthSharp.Sampling;
using static TorchSharp.torch;

namespace DiffSynthSharp.Tests.Goldens;

/// <summary>
/// Lists of noise levels that were recorded beside a flow family's pictures: as many as the name of an output says, for a picture of as many tokens or for a strength.
/// </summary>
/// <remarks>Weights of training steps, recorded in one of them, are no part of making pictures.</remarks>
internal static class RecordedFlowLists
{
    /// <summary>Compares every list of a case.</summary>
    public static void Compare(GoldenCase @case)
    {
        using var scope = NewDisposeScope();
        using var tensors = @case.Tensors();
        var lists = tensors.Outputs.Where(name => !name.EndsWith("training_weights", StringComparison.Ordinal)).ToList();
        Assert.NotEmpty(lists);
        foreach (var name in lists)
        {
            var (recorded, plan) = (tensors[name], Plan(@case, name["out.".Length..]));
            var ours = name.Contains("timesteps", StringComparison.Ordinal) ? plan.Timesteps : [.. plan.Sigmas.Select(Level)];
            var count = recorded.shape[0];
            Assert.True(count == plan.Steps || (count == plan.Steps + 1 && ours.Count == count), $"{name}: {count} levels, ours are {plan.Steps} and the end.");
            GoldenAssert.Close(name, tensor([.. ours.Take((int)count)]), recorded, @case.Tolerance);
        }
    }

    // Samplers step over noise per unit of picture; flow's level is the noise's share of the mixture.
    private static double Level(double sigma) => sigma / (1 + sigma);

    // dev.STEPS.TOKENS, schnell.STEPS, sigmas.STEPS.STRENGTH, sigmas_STEPS_STRENGTH, sigmas_STEPS, training_sigmas
    private static SamplingPlan Plan(GoldenCase @case, string list)
    {
        var words = list.StartsWith("training_", StringComparison.Ordinal) ? [list, "1000"] : list.Contains('_') ? list.Split('_') : list.Split('.', 3);
        var (steps, last) = (int.Parse(words[1], CultureInfo.InvariantCulture), words.Length > 2 ? double.Parse(words[2], CultureInfo.InvariantCulture) : 1);
        SamplingPlan Of(SchedulerSettings settings, double strength, long tokens) => SamplingPlan.Create(settings, null, null, null, steps, strength, latents: (2, 2 * tokens));
        return words[0] switch
        {
            "dev" => Of(OfFolder(@case.Folder)!, 1, (long)last),
            "schnell" => Of(OfFolder(@case.Folder)! with { Shift = 1 }, 1, 1), // the same configuration, but for its shift
            _ => Of((@case.Text("reference") == "diffsynth" ? null : OfFolder(@case.Folder)) ?? SchedulerSettings.DiffSynthFlow, last, 1),
        };
    }

    // The schedule of the golden's model in a folder; null where its models are single files.
    private static SchedulerSettings? OfFolder(GoldenFolder golden)
    {
        var names = golden.Json.GetProperty("models").EnumerateObject().Where(model => model.Value.GetProperty("files").TryGetProperty("scheduler/scheduler_config.json", out _));
        if (names.Select(model => model.Name).FirstOrDefault() is not { } name) return null;
        using var files = ModelFiles.Open(PipelineModels.Folder(golden, name));
        return FamilyCatalogue.Find(files)!.SchedulerOf(files);
    }
}
