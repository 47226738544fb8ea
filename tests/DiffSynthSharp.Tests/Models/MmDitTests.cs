using DiffSynthSharp.Layers;
using DiffSynthSharp.Models.Transformers;
using DiffSynthSharp.Tests.Goldens;
using DiffSynthSharp.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace DiffSynthSharp.Tests.Models;

/// <summary>Stable Diffusion 3's transformer where no recorded case goes.</summary>
public sealed class MmDitTests
{
    [Fact]
    public void A_picture_beyond_the_position_table_is_refused_with_the_largest_size()
    {
        using var network = Tiny();
        Assert.Contains("longest side is 192", Assert.Throws<DiffSynthException>(() => Run(network, 26, 4)).Message);
        Assert.Contains("multiples of 16", Assert.Throws<DiffSynthException>(() => Run(network, 5, 4)).Message);
    }

    [Fact]
    public void A_block_that_is_not_there_cannot_be_left_out()
    {
        using var network = Tiny();
        Assert.Contains("blocks 0 … 2", Assert.Throws<DiffSynthException>(() => Run(network, 4, 4, [1, 3])).Message);
    }

    [Fact]
    public void All_blocks_can_be_left_out()
    {
        using var scope = NewDisposeScope();
        using var network = Tiny();
        Assert.Equal([1, 16, 4, 6], Run(network, 4, 6, [0, 1, 2]).shape);
    }

    [Fact]
    public void A_call_leaves_nothing_but_its_answer_and_crosses_a_border_for_its_patches_and_each_block()
    {
        using var network = Tiny();
        using var scope = NewDisposeScope();
        var (latents, timestep, context, pooled) = Inputs(network, 4, 6);
        var before = scope.DisposablesCount;
        var borders = 0;
        using (BlockBorder.Observe(() => borders++)) network.Run(latents, timestep, context, pooled);
        Assert.Equal((before + 1, 1 + 3), (scope.DisposablesCount, borders));
    }

    [Fact]
    public void Gradients_reach_the_inputs()
    {
        using var scope = NewDisposeScope();
        using var network = Tiny();
        var (latents, timestep, context, pooled) = Inputs(network, 4, 6);
        context.requires_grad = true;
        network.Run(latents, timestep, context, pooled).sum().backward();
        Assert.True(context.grad!.abs().sum().ToDouble() > 0);
    }

    [Fact]
    public void Fused_and_swapped_tensors_are_found_in_diffusers_folders()
    {
        using var network = Tiny();
        var keys = MmDitKeys.Diffusers(network.Config);
        Assert.Equal(["to_q", "to_k", "to_v"], keys.RowOfOurs("joint_blocks.1.x_block.attn.qkv.weight")!.Theirs.Select(name => name.Split('.')[3]));
        Assert.Equal(KeyChange.None, keys.RowOfOurs("joint_blocks.1.context_block.adaLN_modulation.1.bias")!.Change);
        Assert.Equal(KeyChange.Swapped, keys.RowOfOurs("joint_blocks.2.context_block.adaLN_modulation.1.bias")!.Change);
        Assert.Equal(KeyChange.Swapped, keys.RowOfOurs("final_layer.adaLN_modulation.1.weight")!.Change);
    }

    [Fact]
    public void A_table_that_is_no_square_is_refused()
    {
        using var scope = NewDisposeScope();
        using var file = new TemporaryFile(".safetensors");
        SafetensorsWriter.Write(file.Path,
        [
            ("pos_embed", zeros(1, 5, 64)), ("x_embedder.proj.weight", zeros(64, 16, 2, 2)), ("joint_blocks.0.context_block.attn.qkv.weight", zeros(192, 64)),
            ("joint_blocks.0.x_block.mlp.fc1.weight", zeros(256, 64)),
        ]);
        using var opened = WeightFile.Open(file.Path);
        var weights = NetworkGolden.Component(opened, MmDitKeys.Prefixes, MmDitKeys.For);
        Assert.Contains("5 rows, expected a square number", Assert.Throws<DiffSynthException>(() => MmDitConfig.Detect(weights)).Message);
    }

    private static MmDit Tiny()
    {
        using var scope = NewDisposeScope();
        using var written = GoldenFolder.All().First(folder => folder.Name == "sd3-medium-transformer").Cases().First().WriteWeights("stability");
        using var file = WeightFile.Open(written.Path);
        var weights = NetworkGolden.Component(file, MmDitKeys.Prefixes, MmDitKeys.For);
        return NetworkGolden.Fill(new MmDit(MmDitConfig.Detect(weights)), weights);
    }

    private static (Tensor Latents, Tensor Timestep, Tensor Context, Tensor Pooled) Inputs(MmDit network, long height, long width)
        => (ones(1, 16, height, width), full([1], 500f), ones(1, 5, network.Config.ContextWidth), ones(1, network.Config.PooledWidth));

    private static Tensor Run(MmDit network, long height, long width, int[]? skipped = null)
    {
        using var scope = NewDisposeScope();
        var (latents, timestep, context, pooled) = Inputs(network, height, width);
        return network.Run(latents, timestep, context, pooled, skipped).MoveToOuterDisposeScope();
    }
}
