using DiffSynthSharp.Models.Transformers;
using DiffSynthSharp.Weights;

namespace DiffSynthSharp.Tests.Goldens;

/// <summary>Stable Diffusion 3's transformer in its sizes and layouts: crops of the position table, blocks left out, batches, long text.</summary>
internal sealed class MmDitRunner : IGoldenRunner
{
    public string Kind => "sd3-transformer";

    public void Run(GoldenCase @case)
    {
        using var written = @case.WriteWeights(@case.Text("layout")!);
        using var file = WeightFile.Open(written.Path);
        var weights = NetworkGolden.Component(file, MmDitKeys.Prefixes, MmDitKeys.For);
        var config = MmDitConfig.Detect(weights);
        CompareSizes(@case, config);
        using var network = NetworkGolden.Fill(new MmDit(config), weights);
        using var tensors = @case.Tensors();
        int[]? skipped = @case.Json.TryGetProperty("skip_layers", out var layers) ? [.. layers.EnumerateArray().Select(layer => layer.GetInt32())] : null;
        var output = network.Run(tensors["in.hidden_states"], tensors["in.timestep"], tensors["in.encoder_hidden_states"], tensors["in.pooled_projections"], skipped);
        GoldenAssert.Close("sample", output, tensors["out.sample"], @case.Tolerance);
    }

    private static void CompareSizes(GoldenCase @case, MmDitConfig found)
    {
        var recorded = @case.Folder.Config;
        long Size(string name) => recorded.GetProperty(name).GetInt64();
        Assert.Equal(
            (Size("in_channels"), Size("patch_size"), Size("num_layers"), Size("width"), Size("attention_head_dim"), Size("num_attention_heads")),
            (found.Channels, found.Patch, found.Depth, found.Width, found.HeadWidth, found.Heads));
        Assert.Equal(
            (Size("pos_embed_max_size"), Size("joint_attention_dim"), Size("pooled_projection_dim"), recorded.GetProperty("dual_attention_layers").GetArrayLength()),
            (found.PositionSide, found.ContextWidth, found.PooledWidth, found.DualBlocks));
        Assert.Equal(recorded.GetProperty("qk_norm").ValueKind != System.Text.Json.JsonValueKind.Null, found.HasNormedHeads);
    }
}
