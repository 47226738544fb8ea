using DiffSynthSharp.Families;
using DiffSynthSharp.Sampling;
using DiffSynthSharp.Training.Drawings;
using DiffSynthSharp.Training.FromScratch;
using static TorchSharp.torch;

namespace DiffSynthSharp.Training.Judge;

/// <summary>How often a model paints what prompts ask for, as the judge sees it.</summary>
/// <param name="Objects">Share of objects that are right.</param>
/// <param name="Colours">Share of colours that are right.</param>
/// <param name="Wrong">What was asked and what was seen, for each wrong verdict.</param>
internal sealed record PromptReport(double Objects, double Colours, IReadOnlyList<string> Wrong)
{
    private const int Batch = 25;

    /// <summary>Paints prompts in batches with the model's own sampler and judges each picture.</summary>
    /// <param name="family">A loaded model.</param>
    /// <param name="judge">A trained judge.</param>
    /// <param name="prompts">With one object each, or with two each.</param>
    /// <param name="steps">Denoising steps.</param>
    /// <param name="guidance">Guidance scale.</param>
    public static PromptReport Measure(LoadedFamily family, DrawingJudge judge, IReadOnlyList<JudgedPrompt> prompts, int steps, double guidance)
    {
        var verdicts = new List<(PlannedObject Asked, PlannedObject Seen, string Text)>();
        foreach (var chunk in prompts.Select((prompt, i) => (Prompt: prompt, Seed: (long)i)).Chunk(Batch))
        {
            using var scope = NewDisposeScope();
            using var frozen = no_grad();
            var pictures = Paint(family, [.. chunk.Select(item => item.Prompt.Text)], [.. chunk.Select(item => item.Seed)], steps, guidance);
            for (var which = 0; which < chunk[0].Prompt.Objects.Count; which++)
            {
                var seen = judge.Judge(chunk[0].Prompt.Objects.Count == 1 ? pictures : JudgeExamples.Half(pictures, which));
                verdicts.AddRange(chunk.Select((item, i) => (item.Prompt.Objects[which], seen[i], item.Prompt.Text)));
            }
        }
        return new(
            verdicts.Count(verdict => verdict.Asked.Object == verdict.Seen.Object) / (double)verdicts.Count,
            verdicts.Count(verdict => verdict.Asked.Colour == verdict.Seen.Colour) / (double)verdicts.Count,
            [.. verdicts.Where(verdict => verdict.Asked != verdict.Seen).Select(verdict => $"{verdict.Text}: {verdict.Seen.Words}")]);
    }

    /// <summary>One picture for each prompt, all in one batch.</summary>
    /// <param name="family">A loaded model.</param>
    /// <param name="prompts">At most a row of tokens each.</param>
    /// <param name="seeds">One for each.</param>
    /// <param name="steps">Denoising steps.</param>
    /// <param name="guidance">Guidance scale.</param>
    /// <returns>(B, 3, H, W) in −1 … 1</returns>
    public static Tensor Paint(LoadedFamily family, IReadOnlyList<string> prompts, IReadOnlyList<long> seeds, int steps, double guidance)
    {
        using var scope = NewDisposeScope();
        var (width, height) = family.DefaultSize;
        var reading = new PromptReading { LongPrompt = LongPrompt.Cut };
        var context = cat([.. prompts.Select(prompt => family.Encode(prompt, reading, _ => { }).Context)]);
        var both = cat([context, family.Encode("", reading, _ => { }).Context.expand_as(context)]);
        using var noise = new NoiseSource([.. seeds], [family.Latents.Channels, height / family.Latents.Reduction, width / family.Latents.Reduction]);
        var plan = SamplingPlan.Create(family.Scheduler, null, null, null, steps);
        var latents = plan.Run(Predict, plan.Start(noise.Next()), noise, null);
        return family.DecodeLatents(latents).clamp(-1, 1).MoveToOuterDisposeScope();

        Tensor Predict(Tensor x, double timestep, int step)
        {
            using var inner = NewDisposeScope();
            var halves = family.Predict(cat([x, x]), timestep, new(both), new()).chunk(2);
            return (halves[1] + guidance * (halves[0] - halves[1])).MoveToOuterDisposeScope();
        }
    }
}
