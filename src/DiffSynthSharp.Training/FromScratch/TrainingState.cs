using DiffSynthSharp.Training.Optimization;
using DiffSynthSharp.Weights;
using static TorchSharp.torch;

namespace DiffSynthSharp.Training.FromScratch;

/// <summary>
/// Everything a run needs to go on exactly where it stopped: parameters, optimizer, running average and the step. Data and noise are
/// functions of the step, so no generator state is kept.
/// </summary>
internal sealed class TrainingState : IDisposable
{
    private const double AverageDecay = 0.999;
    private readonly FlatParameters _parameters;
    private readonly AdamW _optimizer;

    public TrainingState(FlatParameters parameters)
    {
        _parameters = parameters;
        _optimizer = new AdamW(parameters.Values);
        Average = parameters.Values.clone().DetachFromDisposeScope();
    }

    /// <summary>Steps done.</summary>
    public long Step { get; private set; }

    /// <summary>The running average of the parameters, which is what is exported.</summary>
    public Tensor Average { get; }

    /// <summary>One optimizer step for a loss.</summary>
    /// <returns>The gradient's norm.</returns>
    public double Advance(Tensor loss, LearningRate rate)
    {
        using var gradient = _parameters.Gradient(loss);
        Step++;
        var norm = _optimizer.Step(gradient, rate.At(Step), Step);
        Average.lerp_(_parameters.Values, 1 - Math.Min(AverageDecay, (1.0 + Step) / (10 + Step)));
        return norm;
    }

    /// <summary>Runs with the averaged parameters in place, then puts the trained ones back.</summary>
    public T WithAverage<T>(Func<T> work)
    {
        using var trained = _parameters.Values.clone();
        _parameters.Values.copy_(Average);
        try
        {
            return work();
        }
        finally
        {
            _parameters.Values.copy_(trained);
        }
    }

    /// <summary>Puts the averaged parameters in place for good.</summary>
    public void TakeAverage()
    {
        using var frozen = no_grad();
        _parameters.Values.copy_(Average);
    }

    /// <summary>Writes the state to a file.</summary>
    public void Save(string path)
        => SafetensorsWriter.Write(path, Parts(), new Dictionary<string, string> { ["step"] = Step.ToString(System.Globalization.CultureInfo.InvariantCulture) });

    /// <summary>Takes up the state of a file.</summary>
    /// <exception cref="DiffSynthException">The file is of a run with other networks.</exception>
    public void Load(string path)
    {
        using var file = WeightFile.Open(path);
        using var scope = NewDisposeScope();
        foreach (var (name, value) in Parts())
        {
            var stored = file.Read(name);
            if (!stored.shape.SequenceEqual(value.shape))
                throw new DiffSynthException(
                    $"'{path}' is of a run with other networks: '{name}' has {stored.numel()} values, expected {value.numel()}. Choose another folder or the same sizes.");
            value.copy_(stored);
        }
        Step = long.Parse(file.Metadata["step"], System.Globalization.CultureInfo.InvariantCulture);
    }

    private IEnumerable<(string, Tensor)> Parts()
        => [("parameters", _parameters.Values), ("average", Average), ("optimizer.first", _optimizer.First), ("optimizer.second", _optimizer.Second)];

    public void Dispose()
    {
        _optimizer.Dispose();
        Average.Dispose();
    }
}
