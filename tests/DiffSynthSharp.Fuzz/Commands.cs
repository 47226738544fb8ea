using System.Diagnostics;
using System.Globalization;
using SharpFuzz;

namespace DiffSynthSharp.Fuzz;

/// <summary>What the command line does; each returns the process' exit code.</summary>
internal static class Commands
{
    public static int Run(Coverage coverage, FuzzTarget target, string findings, int seed, TimeSpan time, CancellationToken cancellation)
    {
        var found = new Findings(findings, target);
        using var loop = new FuzzLoop(target, found, coverage, seed);
        loop.Load();
        var report = loop.Run(time, cancellation);
        var line = string.Create(CultureInfo.InvariantCulture,
            $"{target.Name}\t{report.Seconds:0}\t{report.Executions}\t{report.Executions / report.Seconds:0}\t{report.Inputs}\t{report.Edges}\t{report.Failures.Count}");
        const string heads = "target\tseconds\texecutions\tper second\tinputs\tbranch pairs\tfailures";
        File.AppendAllText(found.Summary, File.Exists(found.Summary) ? $"{line}\n" : $"{heads}\n{line}\n");
        Console.WriteLine($"{heads}\n{line}{(report.Edges == 0 ? "\nThe library is not instrumented: inputs were damaged blindly." : "")}");
        return report.Failures.Count == 0 ? 0 : 2;
    }

    public static int Replay(FuzzTarget target, IReadOnlyList<string> files)
    {
        var failed = 0;
        var inputs = files.Count > 0 ? files.Select(file => (File: file, Input: File.ReadAllBytes(file))) : SeedCorpus.Of(target);
        foreach (var (file, input) in inputs)
        {
            var start = Stopwatch.GetTimestamp();
            var trial = Trial.Of(target, input);
            Console.WriteLine($"{file}: {input.Length:N0} bytes, {Stopwatch.GetElapsedTime(start).TotalMilliseconds:0.0} ms, {(trial.IsRefused ? "refused" : "read")}");
            if (trial.Failure is { } failure) Console.WriteLine($"{file}: {failure.Kind}\n{failure.What}");
            failed += trial.Failure is null ? 0 : 1;
        }
        return failed == 0 ? 0 : 2;
    }

    public static int Distill(Coverage coverage, FuzzTarget target, string findings, string folder)
    {
        using var loop = new FuzzLoop(target, new(findings, target), coverage, 0);
        loop.Load();
        var kept = new Findings(folder, target);
        foreach (var input in loop.Inputs) kept.Keep(input);
        Console.WriteLine($"{loop.Inputs.Count} inputs, {loop.Inputs.Sum(input => input.Length):N0} bytes");
        return 0;
    }

    public static int Afl(FuzzTarget target)
    {
        Fuzzer.OutOfProcess.Run(stream =>
        {
            using var memory = new MemoryStream();
            stream.CopyTo(memory);
            if (Trial.Of(target, memory.ToArray()).Failure is { } failure) throw new InvalidOperationException(failure.What);
        });
        return 0;
    }
}
