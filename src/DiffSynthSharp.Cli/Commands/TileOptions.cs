using System.CommandLine;

namespace DiffSynthSharp.Cli.Commands;

/// <summary>Large pictures in little memory.</summary>
internal sealed class TileOptions : RequestOptions
{
    private static readonly Dictionary<string, TiledNetwork> s_networks = new()
    {
        ["auto"] = TiledNetwork.Automatic,
        ["blocks"] = TiledNetwork.Blocks,
        ["steps"] = TiledNetwork.Steps,
        ["none"] = TiledNetwork.None,
    };

    private readonly Option<bool> _tiled = Values.Flag("--tiled", "Works in overlapping tiles, so that large pictures take little memory.");

    private readonly Option<int?> _tile = Values.Whole("--tile", "CELLS", "With --tiled: side of a tile, in latent cells of 8 pixels. Default: the model's, 64 for Stable Diffusion 1.x, 128 for FLUX.1 and Stable Diffusion 3.");

    private readonly Option<int?> _stride = Values.Whole("--tile-stride", "CELLS", "With --tiled: distance between tiles. Default: half a tile.");

    private readonly Option<string?> _network = Values.Text("--tile-network", "HOW",
        "With --tiled: blocks tiles each attention block (DiffSynth-Studio), steps the whole network, none only the autoencoder;"
            + " auto takes blocks up to 2048x2048 and steps above, and steps for transformers. Default: auto.");

    public override IEnumerable<Option> All => [_tiled, _tile, _stride, _network];

    public override GenerationRequest Apply(ParseResult parsed, GenerationRequest request, Action<string> say)
    {
        if (!parsed.GetValue(_tiled))
        {
            foreach (var option in new Option[] { _tile, _stride, _network })
                if (parsed.GetResult(option) is not null) throw new DiffSynthException($"{option.Name} works with --tiled; add it.");
            return request;
        }
        foreach (var (option, value) in new[] { (_tile, parsed.GetValue(_tile)), (_stride, parsed.GetValue(_stride)) })
            if (value < 1) throw new DiffSynthException($"{option.Name} {value} doesn't fit: expected a number of latent cells.");
        return request with { Tiles = new(parsed.GetValue(_tile) ?? 0, parsed.GetValue(_stride) ?? 0) { Network = Network(parsed.GetValue(_network)) } };
    }

    private static TiledNetwork Network(string? name) => s_networks.TryGetValue(name ?? "auto", out var network) ? network
        : throw new DiffSynthException($"--tile-network '{name}' is unknown. Known: {string.Join(", ", s_networks.Keys)}.");
}
