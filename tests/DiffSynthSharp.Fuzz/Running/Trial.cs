using System.Diagnostics;

namespace DiffSynthSharp.Fuzz;

/// <summary>Why an input is a bug.</summary>
/// <param name="Kind">One line; inputs of one kind most likely show one bug.</param>
/// <param name="What">Everything that helps to find it.</param>
public sealed record Failure(string Kind, string What);

/// <summary>What became of one input.</summary>
/// <param name="IsRefused">Whether the reader said no.</param>
/// <param name="Failure">Null when all is well.</param>
public readonly record struct Trial(bool IsRefused, Failure? Failure)
{
    private const int Repeats = 2;

    /// <summary>Reads an input within the target's bounds.</summary>
    /// <remarks>What is over a bound is read again, since a first call initialises tables and a busy machine delays any.</remarks>
    public static Trial Of(FuzzTarget target, byte[] input)
    {
        var mostBytes = target.FixedBytes + target.BytesPerByte * input.Length;
        var (trial, bytes, time) = Measured(target, input);
        for (var i = 0; i < Repeats && trial.Failure is null && (bytes > mostBytes || time > target.Time); i++) (trial, bytes, time) = Measured(target, input);
        return trial.Failure is not null ? trial
            : bytes > mostBytes ? trial with { Failure = new("allocation", $"{bytes:N0} bytes were allocated for an input of {input.Length:N0}; at most {mostBytes:N0} should be.") }
            : time > target.Time ? trial with { Failure = new("time", $"{time.TotalSeconds:0.0} s for an input of {input.Length:N0} bytes; at most {target.Time.TotalSeconds:0.0} s should be.") }
            : trial;
    }

    private static (Trial Trial, long Bytes, TimeSpan Time) Measured(FuzzTarget target, byte[] input)
    {
        var (before, start, busy) = (GC.GetAllocatedBytesForCurrentThread(), Stopwatch.GetTimestamp(), Busy());
        var trial = Once(target, input);
        var (bytes, time) = (GC.GetAllocatedBytesForCurrentThread() - before, Stopwatch.GetElapsedTime(start));
        return (trial, bytes, time > target.Time && Busy() - busy is var worked && worked < time ? worked : time);
    }

    // Time of the processor: on a busy machine the clock says nothing.
    private static TimeSpan Busy() => Environment.CpuUsage.TotalTime;

    private static Trial Once(FuzzTarget target, byte[] input)
    {
        try
        {
            target.Read(input);
            return new(false, null);
        }
        catch (DiffSynthException refusal)
        {
            return new(true, Unfit(refusal));
        }
        catch (Exception e)
        {
            return new(false, new($"{e.GetType().Name} {Place(e is UnfitMessageException { InnerException: { } refusal } ? refusal : e)}", e.ToString()));
        }
    }

    private static Failure? Unfit(DiffSynthException refusal)
    {
        try
        {
            Refusal.Check(refusal);
            return null;
        }
        catch (UnfitMessageException e)
        {
            return new($"{e.GetType().Name} {Place(refusal)}", e.ToString());
        }
    }

    // The innermost method of the library itself.
    private static string Place(Exception e)
        => (e.StackTrace ?? "").Split('\n').Select(line => line.Trim()).FirstOrDefault(line => line.StartsWith("at DiffSynthSharp.", StringComparison.Ordinal)
            && !line.StartsWith("at DiffSynthSharp.Fuzz.", StringComparison.Ordinal))?.Split(" in ")[0] ?? "outside the library";
}
