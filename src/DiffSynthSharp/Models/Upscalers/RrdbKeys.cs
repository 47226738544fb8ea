using DiffSynthSharp.Weights;

namespace DiffSynthSharp.Models.Upscalers;

/// <summary>The published layouts of ESRGAN networks.</summary>
internal static class RrdbKeys
{
    /// <summary>What published files nest the network under, the smoothed weights first; ours joins the levels of a pickle with a slash.</summary>
    public static readonly string[] Prefixes = ["params_ema/", "params/", "params_ema.", "params.", ""];

    /// <summary>The map of the layout that these names follow, or null when they are no ESRGAN network's.</summary>
    /// <param name="names">Tensor names without a prefix.</param>
    public static KeyMap? For(IReadOnlyCollection<string> names)
        => names.Contains("body.0.rdb1.conv1.weight") ? KeyMap.Identity()
            : names.Contains("RRDB_trunk.0.RDB1.conv1.weight") ? KeyMap.Embedded("RrdbNet.trunk.keys", Sections(NameCount.Consecutive(names, i => $"RRDB_trunk.{i}."), 2))
            : names.Contains("model.1.sub.0.RDB1.conv1.0.weight")
                ? KeyMap.Embedded("RrdbNet.esrgan.keys", Sections(NameCount.Consecutive(names, i => $"model.1.sub.{i}.RDB1."), NameCount.Consecutive(names, i => $"model.{3 * i + 3}.")))
                : null;

    private static KeyMap.Sections Sections(int blocks, int doublings) => new()
    {
        ["block"] = from block in Enumerable.Range(0, blocks)
                    from dense in Enumerable.Range(1, 3)
                    from i in Enumerable.Range(1, 5)
                    select new Dictionary<string, int> { ["block"] = block, ["dense"] = dense, ["i"] = i },
        ["up"] = Enumerable.Range(1, doublings).Select(i => new Dictionary<string, int> { ["i"] = i, ["n"] = 3 * i }),
        ["end"] = [new Dictionary<string, int> { ["blocks"] = blocks, ["hr"] = 3 * doublings + 2, ["last"] = 3 * doublings + 4 }],
    };
}
