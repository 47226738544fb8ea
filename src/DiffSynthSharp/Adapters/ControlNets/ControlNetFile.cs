using System.Text.Json;
using DiffSynthSharp.Models.Control;
using DiffSynthSharp.Weights;
using static TorchSharp.torch;

namespace DiffSynthSharp.Adapters.ControlNets;

/// <summary>Opens a ControlNet for Stable Diffusion in any published layout: the author's or diffusers' names, a file or a folder.</summary>
internal static class ControlNetFile
{
    private const string ConfigName = "config.json";

    /// <param name="path">A .safetensors or .pth file, a checkpoint that holds a ControlNet among others, or diffusers' folder.</param>
    /// <param name="device">Where the weights go.</param>
    /// <param name="check">Told its sizes before anything is read, and throws when they don't fit.</param>
    /// <param name="keepDiffSynthBiases">Keeps the biases that DiffSynth-Studio 1.1.9 keeps, and no others: see <see cref="KeepDiffSynthBiases"/>.</param>
    /// <exception cref="DiffSynthException">There is no such file, it is damaged, or it is of another kind; the message says what it looks like.</exception>
    public static ControlNet Load(string path, Device device, Action<ControlNetConfig>? check = null, bool keepDiffSynthBiases = false)
    {
        using var source = Open(path);
        ControlNetSigns.RefuseOthers(path, source);
        var weights = ControlNetKeys.Prefixes.Select(prefix => ComponentWeights.Find(source, prefix, ControlNetKeys.For)).FirstOrDefault(found => found is not null)
            ?? throw ControlNetSigns.NoControlNet(path, source);
        var config = ConfigOf(path, weights);
        check?.Invoke(config);
        var network = new ControlNet(config);
        try
        {
            WeightLoader.Fill(network, weights, "ControlNet", device);
            if (keepDiffSynthBiases) KeepDiffSynthBiases(network, lastOfGroup: ControlNetKeys.IsLdm([.. weights.Entries.Select(entry => entry.Name[weights.Prefix.Length..])]));
            return network;
        }
        catch
        {
            network.Dispose();
            throw;
        }
    }

    private static WeightSource Open(string path)
    {
        if (Directory.Exists(path)) return WeightSource.OpenFolder(path);
        if (!File.Exists(path)) throw new DiffSynthException($"There is no ControlNet '{path}'. Name a file (.safetensors, .pth) or a diffusers folder.");
        return WeightSource.OpenFile(path);
    }

    private static ControlNetConfig ConfigOf(string path, ComponentWeights weights)
    {
        var config = ControlNetConfig.Detect(weights.Shapes);
        var file = ConfigFile.TryRead(Path.Combine(Directory.Exists(path) ? path : Path.GetDirectoryName(Path.GetFullPath(path))!, ConfigName));
        if (file?.Text("_class_name")?.Contains("ControlNet", StringComparison.Ordinal) != true) return config with { GlobalPool = IsPooled(path) };
        return config with
        {
            UNet = config.UNet with
            {
                Heads = file.Whole("num_attention_heads") ?? file.Whole("attention_head_dim") ?? config.UNet.Heads,
                NormGroups = file.Whole("norm_num_groups") ?? config.UNet.NormGroups,
            },
            GlobalPool = IsPooled(path) || file.Root.TryGetProperty("global_pool_conditions", out var pooled) && pooled.ValueKind == JsonValueKind.True,
        };
    }

    // lllyasviel/ControlNet-v1-1: control_v11e_sd15_shuffle.pth is the one that pools, which nothing inside the file says.
    private static bool IsPooled(string path) => Path.GetFileName(path.TrimEnd('/', '\\')).Contains("shuffle", StringComparison.OrdinalIgnoreCase);

    /// <summary>Does to the biases of the zero convolutions what DiffSynth-Studio's loader does, so that its pictures can be repeated.</summary>
    /// <remarks>
    /// modelscope/DiffSynth-Studio 1.1.9, models/sd_controlnet.py: only the first convolution of each width has a bias, and from the
    /// author's files it gets the last one's.
    /// </remarks>
    private static void KeepDiffSynthBiases(ControlNet network, bool lastOfGroup)
    {
        foreach (var group in network.ZeroConvolutions.GroupBy(convolution => convolution.Channels).Select(group => group.ToList()))
        {
            using var kept = (lastOfGroup ? group[^1] : group[0]).Bias.clone();
            foreach (var convolution in group) convolution.Assign("bias", ReferenceEquals(convolution, group[0]) ? kept.clone() : zeros_like(kept));
        }
    }
}
