using DiffSynthSharp.Weights;
using static TorchSharp.torch;

namespace DiffSynthSharp.Adapters.Lora;

/// <summary>A tensor of an adapter file to be written.</summary>
/// <param name="Target">Its name, element type and shape there.</param>
internal abstract record LoraTensor(TensorEntry Target)
{
    /// <summary>The tensor, of exactly the type and shape of <see cref="Target"/>. The caller owns it.</summary>
    /// <param name="file">The file that is converted.</param>
    public abstract Tensor Read(LoraFile file);

    /// <summary>A tensor of the file, perhaps in another shape or type: no value changes that needn't.</summary>
    /// <param name="Target">What is written.</param>
    /// <param name="Source">Its name in the file.</param>
    public sealed record Moved(TensorEntry Target, string Source) : LoraTensor(Target)
    {
        public override Tensor Read(LoraFile file)
        {
            using var scope = NewDisposeScope();
            return file.Read(Source).ToStored(Target.Type, Source).reshape(Target.Shape).MoveToOuterDisposeScope();
        }
    }

    /// <summary>An up factor multiplied with alpha / rank.</summary>
    /// <param name="Target">What is written.</param>
    /// <param name="Source">Its name in the file.</param>
    /// <param name="Factor">alpha / rank.</param>
    public sealed record Folded(TensorEntry Target, string Source, double Factor) : LoraTensor(Target)
    {
        /// <summary>Whether a product had to be rounded; known when it has been read.</summary>
        public bool IsRounded { get; private set; }

        public override Tensor Read(LoraFile file)
        {
            using var scope = NewDisposeScope();
            var product = file.Read(Source).to(ScalarType.Float64) * Factor;
            var stored = product.ToStored(Target.Type, Source);
            IsRounded = stored.to(ScalarType.Float64).ne(product).any().item<bool>();
            return stored.reshape(Target.Shape).MoveToOuterDisposeScope();
        }
    }

    /// <summary>A single number.</summary>
    /// <param name="Target">What is written.</param>
    /// <param name="Value">The number.</param>
    public sealed record Number(TensorEntry Target, double Value) : LoraTensor(Target)
    {
        /// <summary>A number in the wanted type when that holds it exactly, else in float32.</summary>
        public static Number Of(string name, double value, StoredType wanted)
        {
            using var scope = NewDisposeScope();
            var isExact = tensor(value, ScalarType.Float64).to(wanted.Scalar()).to(ScalarType.Float64).item<double>() == value;
            return new(new(name, isExact ? wanted : StoredType.F32, []), value);
        }

        public override Tensor Read(LoraFile file)
        {
            using var scope = NewDisposeScope();
            return tensor(Value, ScalarType.Float64).ToStored(Target.Type, Target.Name).MoveToOuterDisposeScope();
        }
    }
}
