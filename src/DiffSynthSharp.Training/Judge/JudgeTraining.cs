using DiffSynthSharp.Models.Autoencoders;
using DiffSynthSharp.Training.FromScratch;
using DiffSynthSharp.Training.Optimization;
using TorchSharp;
using static TorchSharp.torch;

namespace DiffSynthSharp.Training.Judge;

/// <summary>Trains the judge on drawings, half of them passed through the autoencoder so that its blur is nothing new.</summary>
internal static class JudgeTraining
{
    private const int Batch = 32;

    /// <summary>Trains and returns a judge.</summary>
    /// <param name="autoencoder">Passes half of the drawings; null passes none.</param>
    /// <param name="drawings">How many are painted.</param>
    /// <param name="steps">Optimizer steps.</param>
    /// <param name="say">Takes one line of progress.</param>
    public static DrawingJudge Train(AutoencoderKl? autoencoder, int drawings, int steps, Action<string> say)
    {
        var judge = new DrawingJudge();
        using var parameters = new FlatParameters(judge);
        RandomInitializer.Fill(parameters, [], seed: 3, judge);
        using var state = new TrainingState(parameters);
        using var examples = JudgeExamples.Paint(0, drawings, autoencoder);
        var rate = new LearningRate(2e-3, 20, steps);
        var sum = 0.0;
        for (var step = 0; step < steps; step++)
        {
            using var scope = NewDisposeScope();
            var loss = Loss(judge, examples, step);
            sum += loss.ToDouble();
            state.Advance(loss, rate);
            if ((step + 1) % 100 != 0) continue;
            say($"judge {step + 1}/{steps}: loss {sum / 100:f4}");
            sum = 0;
        }
        state.TakeAverage();
        return judge;
    }

    private static Tensor Loss(DrawingJudge judge, JudgeExamples examples, long step)
    {
        using var scope = NewDisposeScope();
        var random = new Random(unchecked((int)(step * 9176 + 3)));
        var (pictures, kinds, colours) = examples.Pick([.. Enumerable.Range(0, Batch).Select(_ => random.Next(examples.Count))]);
        using var generator = new Generator((ulong)(step + 1));
        var noisy = pictures + randn(pictures.shape, generator: generator) * 0.05;
        var (objects, shades) = DrawingJudge.Split(judge.forward(noisy));
        return (nn.functional.cross_entropy(objects, kinds) + nn.functional.cross_entropy(shades, colours)).MoveToOuterDisposeScope();
    }

    /// <summary>Shares of right objects and colours over drawings that are never trained on.</summary>
    /// <param name="judge">A trained judge.</param>
    /// <param name="count">How many drawings.</param>
    public static (double Objects, double Colours) Accuracy(DrawingJudge judge, int count)
    {
        using var examples = JudgeExamples.Paint(AutoencoderTask.HeldOut, count, null);
        using var scope = NewDisposeScope();
        var (pictures, kinds, colours) = examples.Pick([.. Enumerable.Range(0, examples.Count)]);
        var verdicts = judge.Judge(pictures);
        var (rightKinds, rightColours) = (kinds.data<long>().ToArray(), colours.data<long>().ToArray());
        return (verdicts.Where((verdict, i) => verdict.Object == rightKinds[i]).Count() / (double)verdicts.Count,
            verdicts.Where((verdict, i) => verdict.Colour == rightColours[i]).Count() / (double)verdicts.Count);
    }
}
