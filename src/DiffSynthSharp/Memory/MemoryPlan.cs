using System.Globalization;

namespace DiffSynthSharp.Memory;

/// <summary>Bytes of a model's weights: as its files have them, and converted to float32.</summary>
internal readonly record struct WeightSizes(long Stored, long Converted);

/// <summary>What was decided about a model's memory.</summary>
/// <param name="Mode">How weights are kept.</param>
/// <param name="Budget">Bytes that weights may take in resident memory, read file pages included; a limit in mode low only.</param>
/// <param name="Reason">One line for the user.</param>
internal sealed record MemoryPlan(MemoryMode Mode, long Budget, string Reason)
{
    // What a mode takes must leave room for activations, which grow with the picture.
    private const double ShareForWeights = 0.6;
    private const double ShareInLow = 0.125;
    private const long LeastBudget = 512L << 20;

    /// <summary>Decides.</summary>
    /// <param name="sizes">The model's weights.</param>
    /// <param name="free">Bytes of memory that are free.</param>
    /// <param name="mode">The user's wish, or null.</param>
    /// <param name="budget">The user's wish in bytes, or null; a budget without a mode means low where the weights don't fit into it.</param>
    /// <exception cref="DiffSynthException">The budget is no positive number.</exception>
    public static MemoryPlan Choose(WeightSizes sizes, long free, MemoryMode? mode = null, long? budget = null)
    {
        if (budget <= 0) throw new DiffSynthException($"A memory budget of {budget} bytes can't be held: expected a positive number.");
        var room = budget ?? (long)(free * ShareForWeights);
        var chosen = mode ?? (sizes.Converted <= room ? MemoryMode.Full : sizes.Stored <= room ? MemoryMode.Balanced : MemoryMode.Low);
        var limit = chosen != MemoryMode.Low ? long.MaxValue : budget ?? Math.Max((long)(free * ShareInLow), LeastBudget);
        var what = chosen switch
        {
            MemoryMode.Full => $"{Gigabytes(sizes.Converted)} of weights are converted once",
            MemoryMode.Balanced => $"{Gigabytes(sizes.Stored)} of weights stay as stored and are converted at every use",
            _ => $"{Gigabytes(sizes.Stored)} of weights are read from the file at every use, all but {Gigabytes(Math.Min(limit, sizes.Stored))}",
        };
        return new(chosen, limit, $"memory: {chosen.ToString().ToLowerInvariant()} ({what}; {Gigabytes(free)} free)");
    }

    private static string Gigabytes(long bytes) => (bytes / 1e9).ToString("0.0", CultureInfo.InvariantCulture) + " GB";
}
