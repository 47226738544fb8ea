using System.CommandLine;

namespace DiffSynthSharp.Cli.Commands;

/// <summary>Which files a model is made of, and how it is loaded.</summary>
internal sealed class LoadingOptions
{
    private const double Gigabyte = 1e9;

    private static readonly Dictionary<string, MemoryMode> s_modes = new() { ["low"] = MemoryMode.Low, ["balanced"] = MemoryMode.Balanced, ["full"] = MemoryMode.Full };

    private readonly PartOptions _parts = new();

    private readonly Option<string?> _device = Values.Text("--device", "NAME", "cpu, cuda or cuda:N. Default: cpu.");

    private readonly Option<int?> _threads = Values.Whole("--threads", "N", "Threads. Default: one for each core.");

    private readonly Option<string?> _memory = Values.Text("--memory", "MODE",
        "low reads weights from the file at every use, all but a budget; balanced keeps them as stored; full converts them once. Default: chosen from what is free, and said.");

    private readonly Option<double?> _budget = Values.Number("--memory-budget", "GB", "Gigabytes that weights may take in mode low. Default: an eighth of what is free.");

    /// <summary>The options, in the order of the help.</summary>
    public IEnumerable<Option> All => [.. _parts.All, _device, _threads, _memory, _budget];

    /// <summary>Whether a device was named.</summary>
    public bool NamesDevice(ParseResult parsed) => parsed.GetValue(_device) is not null;

    /// <summary>What the command line says.</summary>
    /// <exception cref="DiffSynthException">A mode is unknown or a budget is no positive number.</exception>
    public LoadOptions Of(ParseResult parsed) => _parts.Of(parsed, new()
    {
        Device = parsed.GetValue(_device) ?? "cpu",
        Threads = parsed.GetValue(_threads),
        Memory = parsed.GetValue(_memory) is not { } mode ? null
            : s_modes.TryGetValue(mode, out var known) ? known : throw new DiffSynthException($"--memory '{mode}' is unknown. Known: {string.Join(", ", s_modes.Keys)}."),
        MemoryBudget = parsed.GetValue(_budget) is not { } gigabytes ? null
            : gigabytes is > 0 and < 1e6 ? (long)(gigabytes * Gigabyte) : throw new DiffSynthException($"--memory-budget {gigabytes} doesn't fit: expected gigabytes, more than 0."),
    });
}
