namespace DiffSynthSharp.Families;

/// <summary>What a network whose weights are read at every use has cost so far.</summary>
/// <param name="Waited">Time that layers waited for weights.</param>
/// <param name="BytesRead">From the disk or from the system's file cache.</param>
internal readonly record struct DiskUse(TimeSpan Waited, long BytesRead);
