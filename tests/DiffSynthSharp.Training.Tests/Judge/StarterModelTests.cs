using DiffSynthSharp.Families;
using DiffSynthSharp.Tests;
using DiffSynthSharp.Training.FromScratch;
using DiffSynthSharp.Training.Judge;

namespace DiffSynthSharp.Training.Tests.Judge;

public sealed class StarterModelTests
{
    private const int Steps = 20;
    private static readonly string s_model = Path.Combine(Repository.Root, "models", "starter");
    private static readonly string s_judge = Repository.Fixture("judge/judge.safetensors");

    [Fact]
    public void The_judge_knows_drawings_it_was_never_trained_on()
    {
        using var judge = DrawingJudge.Load(s_judge);
        var (objects, colours) = JudgeTraining.Accuracy(judge, 200);
        Assert.InRange(objects, 0.98, 1);
        Assert.InRange(colours, 0.98, 1);
    }

    [Fact]
    public void The_starter_model_paints_what_200_prompts_ask_for()
    {
        using var judge = DrawingJudge.Load(s_judge);
        using var family = LoadStarter();
        var report = PromptReport.Measure(family, judge, SamplePrompts.Single(200), Steps, family.DefaultGuidance);
        TestContext.Current.SendDiagnosticMessage($"objects {report.Objects:p1}, colours {report.Colours:p1}");
        Assert.True(report is { Objects: >= 0.9, Colours: >= 0.9 }, $"objects {report.Objects:p1}, colours {report.Colours:p1}: "
            + string.Join("; ", report.Wrong));
    }

    [Fact]
    public void The_starter_model_is_small_and_in_half_precision()
    {
        Assert.InRange(Directory.EnumerateFiles(s_model, "*", SearchOption.AllDirectories).Sum(file => new FileInfo(file).Length), 1, 40_000_000);
        var model = ModelInspector.Inspect(s_model);
        Assert.Empty(model.Missing);
        Assert.All(model.Parts, part => Assert.Equal(["F16"], part.Types));
    }

    [Fact]
    public void The_starter_model_says_which_guidance_suits_it()
    {
        using var family = LoadStarter();
        Assert.Equal(3, family.DefaultGuidance);
    }

    private static LoadedFamily LoadStarter() => DiffusionModel.LoadFamily(s_model, new(), null, CancellationToken.None).Family;
}
