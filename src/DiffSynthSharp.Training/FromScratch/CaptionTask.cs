using DiffSynthSharp.Layers;
using DiffSynthSharp.Models.TextEncoders;
using DiffSynthSharp.Training.Drawings;
using static TorchSharp.torch;

namespace DiffSynthSharp.Training.FromScratch;

/// <summary>
/// The second stage: a text encoder that learns to read captions before anything is painted. Every padded position must tell the objects, their
/// colours and the scene, so that a U-Net's cross-attention finds them wherever it looks.
/// </summary>
internal sealed class CaptionTask : IDisposable
{
    private const int Batch = 48;
    private const int FirstPadding = 20; // behind the longest caption
    private const double Empty = 0.03;
    private static readonly int[] s_sizes =
    [
        DrawingWorld.Objects.Count + 1, DrawingWorld.Colours.Count + 1, DrawingWorld.Objects.Count + 1, DrawingWorld.Colours.Count + 1,
        DrawingWorld.Scenes.Count + 1,
    ];
    private readonly StarterVocabulary _vocabulary;

    public CaptionTask(StarterVocabulary vocabulary)
    {
        _vocabulary = vocabulary;
        Text = new ClipTextEncoder(DiffusionTask.TextSizes(vocabulary.Count));
        Answers = new AnswerSheet(Text.Config.Width);
    }

    public ClipTextEncoder Text { get; }

    /// <summary>Reads the answers off a text state; thrown away after the stage.</summary>
    public AnswerSheet Answers { get; }

    /// <summary>The loss of a step: cross entropy of objects, colours and scene. Its captions are functions of the step's number.</summary>
    /// <param name="step">Counts from 0.</param>
    public Tensor Loss(long step)
    {
        using var scope = NewDisposeScope();
        var (answers, labels) = Ask([.. Enumerable.Range(0, Batch).Select(i => step * Batch + i)]);
        var loss = zeros(1);
        for (var i = 0; i < answers.Count; i++) loss = loss + nn.functional.cross_entropy(answers[i], labels[i]);
        return loss.sum().MoveToOuterDisposeScope();
    }

    /// <summary>Share of right answers over captions that were never trained on.</summary>
    /// <param name="count">How many captions.</param>
    public double Accuracy(int count)
    {
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        var (answers, labels) = Ask([.. Enumerable.Range(0, count).Select(i => AutoencoderTask.HeldOut + i)]);
        return answers.Select((answer, i) => answer.argmax(1).eq(labels[i]).to(ScalarType.Float32).mean().item<float>()).Average();
    }

    private (List<Tensor> Answers, List<Tensor> Labels) Ask(IReadOnlyList<long> numbers)
    {
        var captions = numbers.Select(number => (Plan: DrawingPlan.Of(number), IsEmpty: new Random(unchecked((int)number)).NextDouble() < Empty)).ToList();
        var ids = _vocabulary.Rows(captions.Select(caption => caption.IsEmpty ? "" : caption.Plan.Caption));
        var states = Text.Norm(Text.forward(ids).Hidden[^1]); // (B, 77, W)
        var read = Answers.forward(states.narrow(1, FirstPadding, states.shape[1] - FirstPadding)).mean([1]); // (B, all answers)
        var labels = captions.Select(caption => Labels(caption.Plan, caption.IsEmpty)).ToList();
        return ([.. read.split(s_sizes.Select(size => (long)size).ToArray(), 1)],
            [.. s_sizes.Select((_, i) => tensor(labels.Select(label => (long)label[i]).ToArray()))]);
    }

    // What a caption says; the last number of each kind stands for "not said".
    private static int[] Labels(DrawingPlan plan, bool isEmpty)
    {
        int noObject = DrawingWorld.Objects.Count, noColour = DrawingWorld.Colours.Count, noScene = DrawingWorld.Scenes.Count;
        if (isEmpty) return [noObject, noColour, noObject, noColour, noScene];
        var second = plan.Objects.Count > 1;
        return
        [
            plan.Objects[0].Object, plan.Objects[0].Colour, second ? plan.Objects[1].Object : noObject, second ? plan.Objects[1].Colour : noColour,
            plan.Caption.EndsWith(DrawingWorld.Scenes[plan.Scene], StringComparison.Ordinal) ? plan.Scene : noScene,
        ];
    }

    public void Dispose()
    {
        Text.Dispose();
        Answers.Dispose();
    }

    /// <summary>One linear layer over all answers.</summary>
    public sealed class AnswerSheet : nn.Module<Tensor, Tensor>
    {
        [Key("answers")] private readonly Linear _answers;

        public AnswerSheet(long width) : base(nameof(AnswerSheet))
        {
            _answers = new Linear(width, s_sizes.Sum());
            RegisterComponents();
        }

        /// <param name="x">(…, width)</param>
        public override Tensor forward(Tensor x) => _answers.forward(x);
    }
}
