using System.Diagnostics;

namespace DiffSynthSharp.Fuzz;

/// <summary>A run's figures.</summary>
/// <param name="Executions">Inputs read.</param>
/// <param name="Seconds">How long it took.</param>
/// <param name="Inputs">Inputs that were built upon in the end.</param>
/// <param name="Edges">Pairs of branches seen; 0 when the library isn't instrumented.</param>
/// <param name="Failures">Kinds of failures.</param>
public sealed record FuzzReport(long Executions, double Seconds, int Inputs, int Edges, IReadOnlyCollection<Failure> Failures);

/// <summary>Damages inputs, reads them, and goes on from those that took new branches.</summary>
/// <remarks>Without instrumentation it goes on from the seeds alone. One seed of the generator makes one sequence of inputs, as long as coverage is the same.</remarks>
public sealed class FuzzLoop : IDisposable
{
    private const int Newest = 32, StretchOdds = 50;

    private readonly FuzzTarget _target;
    private readonly Findings _findings;
    private readonly Coverage _coverage;
    private readonly Mutator _mutator;
    private readonly CurrentInput _current;
    private readonly HangWatch _watch;
    private readonly List<byte[]> _inputs = [];
    private readonly Dictionary<string, Failure> _failures = [];
    private long _executions;

    /// <param name="target">What reads.</param>
    /// <param name="findings">Takes what is found, and has what was found earlier.</param>
    /// <param name="coverage">Of this process.</param>
    /// <param name="seed">Of the generator.</param>
    public FuzzLoop(FuzzTarget target, Findings findings, Coverage coverage, int seed)
    {
        (_target, _findings, _coverage, _mutator) = (target, findings, coverage, new(new(seed), target.Words));
        _current = new(findings.Current, target.LongestInput * 4);
        _watch = new(target.Name);
        if (_current.Left is { } left) Note(left, new("the process died", "The process died while it read this: a stack overflow, a crash in native code, or no end."));
    }

    /// <summary>The inputs that are built upon: seeds, earlier finds and new ones.</summary>
    public IReadOnlyList<byte[]> Inputs => _inputs;

    /// <summary>Reads the seeds and what earlier runs kept, the smallest first; what takes no new branch is left out when branches are known.</summary>
    public void Load()
    {
        var all = SeedCorpus.Of(_target).Select(seed => seed.Input).Concat(_findings.Corpus).OrderBy(input => input.Length).ToList();
        foreach (var input in all) Try(input); // tables are initialised, so that their branches count for no input
        _coverage.Reset();
        foreach (var input in all.Where(Try)) _inputs.Add(input);
        if (_inputs.Count == 0) _inputs.AddRange(all);
        if (_inputs.Count == 0) _inputs.Add([0]);
    }

    /// <summary>Fuzzes.</summary>
    /// <param name="time">How long.</param>
    /// <param name="cancellation">Ends it earlier.</param>
    public FuzzReport Run(TimeSpan time, CancellationToken cancellation)
    {
        var start = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(start) < time && !cancellation.IsCancellationRequested)
        {
            var input = Next();
            if (!Try(input)) continue;
            _inputs.Add(input);
            _findings.Keep(input);
        }
        return new(_executions, Stopwatch.GetElapsedTime(start).TotalSeconds, _inputs.Count, _coverage.Edges, _failures.Values);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _watch.Dispose();
        _current.Dispose();
    }

    private byte[] Next()
    {
        var random = _mutator.Random;
        var original = Original(random);
        var copy = original.Length > 0 && random.Next(StretchOdds) == 0 ? _mutator.Stretch(original, _target.LongestInput)
            : (random.Next(2) == 0 ? _target.DamageInside(original, _mutator) : null) ?? _mutator.Damage(original, _inputs);
        return copy.Length > _target.LongestInput * 2 ? copy[..(_target.LongestInput * 2)] : copy;
    }

    // Every other time one of the newest, which have been tried least; of two the shorter, which is read sooner.
    private byte[] Original(Random random)
    {
        var from = random.Next(2) == 0 ? Math.Max(0, _inputs.Count - Newest) : 0;
        byte[] one = _inputs[random.Next(from, _inputs.Count)], other = _inputs[random.Next(from, _inputs.Count)];
        return one.Length <= other.Length ? one : other;
    }

    private bool Try(byte[] input)
    {
        _current.Set(input);
        _watch.Begin();
        _coverage.Clear();
        var trial = Trial.Of(_target, input);
        _watch.End();
        _current.Clear();
        _executions++;
        if (trial.Failure is not { } failure) return _coverage.IsNew();
        Note(input, failure);
        return false;
    }

    private void Note(byte[] input, Failure failure)
    {
        if (!_failures.TryAdd(failure.Kind, failure) || _findings.Keep(input, failure) is not { } file) return;
        Console.WriteLine($"{_target.Name}: {failure.Kind}\n  {file}");
        if (failure.Kind == "the process died") return;
        _findings.Keep(Minimiser.Smaller(_target, input, failure.Kind), failure);
    }
}
