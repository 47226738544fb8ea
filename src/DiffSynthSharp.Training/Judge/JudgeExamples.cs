using DiffSynthSharp.Models.Autoencoders;
using DiffSynthSharp.Training.Drawings;
using DiffSynthSharp.Training.FromScratch;
using static TorchSharp.torch;

namespace DiffSynthSharp.Training.Judge;

/// <summary>Pictures with a known object: whole drawings of one, halves of drawings of two.</summary>
internal sealed class JudgeExamples : IDisposable
{
    private const int Side = Drawing.Side;
    private readonly Tensor _pictures; // (N, 3, 128, 128) float16
    private readonly List<PlannedObject> _objects;

    private JudgeExamples(Tensor pictures, List<PlannedObject> objects) => (_pictures, _objects) = (pictures.DetachFromDisposeScope(), objects);

    public int Count => _objects.Count;

    /// <summary>Paints drawings and keeps one object of each.</summary>
    /// <param name="first">Number of the first drawing.</param>
    /// <param name="count">How many.</param>
    /// <param name="autoencoder">Passes every second drawing; null passes none.</param>
    public static JudgeExamples Paint(long first, int count, AutoencoderKl? autoencoder)
    {
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        var objects = new List<PlannedObject>();
        var all = empty([count, 3, Side, Side], ScalarType.Float16);
        for (var i = 0; i < count; i++)
        {
            using var inner = NewDisposeScope();
            var plan = DrawingPlan.Of(first + i);
            var picture = DrawingBatch.Paint([plan]);
            if (autoencoder is not null && i % 2 == 1) picture = autoencoder.forward(picture).clamp(-1, 1);
            var which = i / 2 % plan.Objects.Count;
            objects.Add(plan.Objects[which]);
            all[i].copy_(plan.Objects.Count == 1 ? picture[0] : Half(picture, which)[0]);
        }
        return new(all, objects);
    }

    /// <summary>One half of pictures, stretched to the width of a whole one.</summary>
    /// <param name="pictures">(B, 3, 128, 128)</param>
    /// <param name="which">0 left, 1 right</param>
    public static Tensor Half(Tensor pictures, int which)
    {
        using var scope = NewDisposeScope();
        var half = pictures.narrow(3, which * Side / 2, Side / 2);
        return nn.functional.interpolate(half, [Side, Side], mode: InterpolationMode.Nearest).MoveToOuterDisposeScope();
    }

    /// <summary>Examples by number: pictures (B, 3, 128, 128) float32, objects (B), colours (B).</summary>
    public (Tensor Pictures, Tensor Objects, Tensor Colours) Pick(int[] numbers)
        => (_pictures.index_select(0, tensor(numbers)).to(ScalarType.Float32), tensor(numbers.Select(i => (long)_objects[i].Object).ToArray()),
            tensor(numbers.Select(i => (long)_objects[i].Colour).ToArray()));

    public void Dispose() => _pictures.Dispose();
}
