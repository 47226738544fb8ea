using DiffSynthSharp.Layers;
using DiffSynthSharp.Models.Transformers;
using DiffSynthSharp.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace DiffSynthSharp.Tests.Goldens;

/// <summary>FLUX.1's transformer in three layouts, with and without guidance, on tokens and, where they are a whole grid, on latents.</summary>
internal sealed class FluxTransformerRunner : IGoldenRunner
{
    public string Kind => "flux-transformer";

    public void Run(GoldenCase @case)
    {
        using var tensors = @case.Tensors();
        if (@case.Text("layout") is not { } layout)
        {
            CompareScalars(@case, tensors);
            return;
        }
        using var written = @case.WriteWeights(layout);
        using var file = WeightFile.Open(written.Path);
        var weights = NetworkGolden.Component(file, FluxKeys.Prefixes, FluxKeys.For);
        var config = FluxConfig.Detect(weights.Shapes);
        CompareConfig(@case, config);
        using var network = NetworkGolden.Fill(new FluxTransformer(config), weights);
        var guidance = tensors.Has("in.guidance") ? tensors["in.guidance"] : null;
        var positions = cat([tensors["in.txt_ids"], tensors["in.img_ids"]]);
        CompareTaps(tensors, config, positions, @case.Tolerance);
        var output = network.forward(new(
            tensors["in.hidden_states"], tensors["in.encoder_hidden_states"], tensors["in.pooled_projections"], tensors["in.timestep"], guidance, positions));
        GoldenAssert.Close("sample", output, tensors["out.sample"], @case.Tolerance);
        CompareOnLatents(network, tensors, positions, guidance, @case.Tolerance);
    }

    private static void CompareConfig(GoldenCase @case, FluxConfig config)
    {
        var recorded = @case.Folder.Config;
        long Number(string name) => recorded.GetProperty(name).GetInt64();
        Assert.Equal(
            (Number("in_channels"), Number("num_attention_heads"), Number("attention_head_dim"), Number("joint_attention_dim"), Number("pooled_projection_dim")),
            (config.InputChannels, config.Heads, config.HeadWidth, config.ContextWidth, config.PooledWidth));
        Assert.Equal((Number("num_layers"), Number("num_single_layers"), recorded.GetProperty("guidance_embeds").GetBoolean()), (config.DoubleBlocks, config.SingleBlocks, config.HasGuidance));
        Assert.Equal(recorded.GetProperty("axes_dims_rope").EnumerateArray().Select(axis => axis.GetInt64()), config.RotaryAxes);
    }

    private static void CompareTaps(GoldenTensors tensors, FluxConfig config, Tensor positions, double tolerance)
    {
        if (!tensors.Has("tap.pos_embed/cos")) return;
        var table = Rotary.Table(positions, config.RotaryAxes).view_as_real().repeat_interleave(2, 1); // (N, d, 2)
        GoldenAssert.Close("cos", table.select(2, 0), tensors["tap.pos_embed/cos"], tolerance);
        GoldenAssert.Close("sin", table.select(2, 1), tensors["tap.pos_embed/sin"], tolerance);
    }

    private static void CompareOnLatents(FluxTransformer network, GoldenTensors tensors, Tensor positions, Tensor? guidance, double tolerance)
    {
        var last = positions[-1];
        long rows = (long)last[1].ToSingle() + 1, columns = (long)last[2].ToSingle() + 1, text = tensors["in.txt_ids"].shape[0];
        var grid = FluxPatches.Positions(text, rows, columns);
        if (!grid.shape.SequenceEqual(positions.shape) || !grid.equal(positions).all().ToBoolean()) return;
        var latents = FluxPatches.Unpack(tensors["in.hidden_states"], 2 * rows, 2 * columns);
        GoldenAssert.Close("packed", FluxPatches.Pack(latents), tensors["in.hidden_states"], 0);
        var velocity = network.Run(latents, tensors["in.timestep"], tensors["in.encoder_hidden_states"], tensors["in.pooled_projections"], guidance);
        GoldenAssert.Close("velocity", velocity, FluxPatches.Unpack(tensors["out.sample"], 2 * rows, 2 * columns), tolerance);
    }

    private static void CompareScalars(GoldenCase @case, GoldenTensors tensors)
    {
        GoldenAssert.Close("timestep", FluxTransformer.Thousandfold(tensors["in.sigma"], ScalarType.Float32), tensors["out.diffsynth.timestep"], @case.Tolerance);
        GoldenAssert.Close("guidance", FluxTransformer.Thousandfold(tensors["in.guidance"], ScalarType.BFloat16), tensors["out.diffsynth.guidance"], @case.Tolerance);
    }
}
