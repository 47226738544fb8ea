using DiffSynthSharp.Weights;

namespace DiffSynthSharp.Models.UNets;

/// <summary>Counts through DiffSynth-Studio's flat list of blocks, in which pushing and popping a skip is a block too.</summary>
/// <remarks>modelscope/DiffSynth-Studio, diffsynth/models/sd_unet.py, SDUNet.blocks.</remarks>
internal sealed class DiffSynthBlocks
{
    private readonly Dictionary<string, List<Dictionary<string, int>>> _rows = [];
    private int _block;

    /// <summary>The numbers for the sections of <c>UNet.diffsynth.keys</c>.</summary>
    public static KeyMap.Sections Of(UNetConfig config)
    {
        var blocks = new DiffSynthBlocks();
        foreach (var section in (string[])["down", "downsample", "middle", "up", "upsample"]) blocks._rows[section] = [];
        foreach (var section in (string[])["down", "middle", "up"]) (blocks._rows[$"{section}-attention"], blocks._rows[$"{section}-transformer"]) = ([], []);
        blocks.Down(config);
        blocks.Middle(config.MiddleDepth);
        blocks.Up(config);
        var sections = new KeyMap.Sections();
        foreach (var (section, rows) in blocks._rows) sections[section] = rows;
        return sections;
    }

    private void Down(UNetConfig config)
    {
        var n = 1;
        for (var level = 0; level < config.Levels.Count; level++)
        {
            for (var i = 0; i < config.BlocksPerLevel; i++, n++)
            {
                Add("down", n);
                AddTransformer("down", n, config.Levels[level].Depth);
                _block++; // push
            }
            if (level == config.Levels.Count - 1) continue;
            Add("downsample", n++);
            _block++; // push
        }
    }

    private void Middle(int depth)
    {
        Add("middle", 0);
        AddTransformer("middle", 1, depth);
        Add("middle", depth > 0 ? 2 : 1);
    }

    private void Up(UNetConfig config)
    {
        var n = 0;
        foreach (var (level, isLast) in config.Levels.Reverse().Select((level, i) => (level, i == config.Levels.Count - 1)))
        {
            for (var i = 0; i <= config.BlocksPerLevel; i++, n++)
            {
                _block++; // pop
                Add("up", n);
                AddTransformer("up", n, level.Depth);
            }
            if (!isLast) Add("upsample", n - 1, ("at", level.Depth > 0 ? 2 : 1));
        }
    }

    private void AddTransformer(string section, int n, int depth)
    {
        if (depth == 0) return;
        for (var i = 0; i < depth; i++) _rows[$"{section}-transformer"].Add(Numbers(n, ("depth", i)));
        Add($"{section}-attention", n);
    }

    private void Add(string section, int n, params (string Name, int Value)[] more)
    {
        _rows[section].Add(Numbers(n, more));
        _block++;
    }

    private Dictionary<string, int> Numbers(int n, params (string Name, int Value)[] more)
    {
        var numbers = more.ToDictionary(number => number.Name, number => number.Value);
        (numbers["block"], numbers["n"]) = (_block, n);
        return numbers;
    }
}
