using DiffSynthSharp.Layers;
using DiffSynthSharp.Training.Drawings;
using DiffSynthSharp.Weights;
using static TorchSharp.torch;

namespace DiffSynthSharp.Training.Judge;

/// <summary>A small classifier that says which object a picture shows, and in which colour.</summary>
/// <remarks>It pools over the whole map, so a picture of one object and either half of a picture of two can be judged.</remarks>
internal sealed class DrawingJudge : nn.Module<Tensor, Tensor>
{
    [Key("blocks")] private readonly TorchSharp.Modules.ModuleList<Block> _blocks;
    [Key("verdict")] private readonly Linear _verdict;

    public DrawingJudge() : base(nameof(DrawingJudge))
    {
        _blocks = new TorchSharp.Modules.ModuleList<Block>(new(3, 24, 2), new(24, 48, 2), new(48, 96, 2), new(96, 96, 1));
        _verdict = new Linear(2 * 96, DrawingWorld.Objects.Count + DrawingWorld.Colours.Count);
        RegisterComponents();
    }

    /// <summary>Reads a judge that <see cref="Save"/> wrote.</summary>
    /// <param name="path">A safetensors file.</param>
    public static DrawingJudge Load(string path)
    {
        using var file = WeightFile.Open(path);
        var weights = ComponentWeights.Find(file, "", _ => KeyMap.Identity())
            ?? throw new DiffSynthException($"'{path}' holds no judge.");
        var judge = new DrawingJudge();
        WeightLoader.Fill(judge, weights, "judge", CPU);
        return judge;
    }

    /// <summary>Writes the weights as float16.</summary>
    /// <param name="path">The file to make or replace.</param>
    public void Save(string path)
    {
        using var scope = NewDisposeScope();
        SafetensorsWriter.Write(path, named_parameters().Select(named => (named.name, named.parameter.detach().to(ScalarType.Float16).contiguous())));
    }

    /// <summary>Judges pictures.</summary>
    /// <param name="pictures">(B, 3, H, W) in −1 … 1</param>
    /// <returns>The likeliest object and colour of each.</returns>
    public IReadOnlyList<PlannedObject> Judge(Tensor pictures)
    {
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        var (objects, colours) = Split(forward(pictures));
        return [.. Best(objects).Zip(Best(colours), (kind, colour) => new PlannedObject((int)kind, (int)colour))];

        static long[] Best(Tensor likelihoods) => likelihoods.argmax(1).data<long>().ToArray();
    }

    /// <summary>Unnormalised likelihoods of objects, then of colours.</summary>
    /// <param name="x">(B, 3, H, W); judged at half the size</param>
    /// <returns>(B, 12 + 8)</returns>
    public override Tensor forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        var h = nn.functional.avg_pool2d(x, 2).ToChannelsLast();
        foreach (var block in _blocks) h = block.forward(h);
        return _verdict.forward(cat([h.mean([2, 3]), h.amax([2, 3])], 1)).MoveToOuterDisposeScope();
    }

    /// <summary>The two halves of <see cref="forward"/>'s result.</summary>
    public static (Tensor Objects, Tensor Colours) Split(Tensor likelihoods)
        => (likelihoods.narrow(1, 0, DrawingWorld.Objects.Count), likelihoods.narrow(1, DrawingWorld.Objects.Count, DrawingWorld.Colours.Count));

    private sealed class Block : nn.Module<Tensor, Tensor>
    {
        [Key("conv")] private readonly Conv2d _convolution;
        [Key("norm")] private readonly GroupNorm _norm;

        public Block(long inputs, long outputs, long stride) : base(nameof(Block))
        {
            _convolution = new Conv2d(inputs, outputs, 3, stride, padding: 1);
            _norm = new GroupNorm(outputs / 8, outputs, 1e-5);
            RegisterComponents();
        }

        public override Tensor forward(Tensor x)
        {
            using var scope = NewDisposeScope();
            return nn.functional.silu(_norm.forward(_convolution.forward(x))).MoveToOuterDisposeScope();
        }
    }
}
