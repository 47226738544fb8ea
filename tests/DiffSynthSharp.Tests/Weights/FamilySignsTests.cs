using DiffSynthSharp.Families;
using DiffSynthSharp.Tests.Models;
using DiffSynthSharp.Weights;

namespace DiffSynthSharp.Tests.Weights;

/// <summary>What published files look like, by names and shapes alone.</summary>
public sealed class FamilySignsTests
{
    private const string Clip = "a CLIP-L text encoder", LargeClip = "a CLIP-G text encoder", Sd1Parts = "Stable Diffusion 1.x (U-Net, CLIP-L text encoder, autoencoder)";
    private const string SmallAutoencoder = "an autoencoder of Stable Diffusion 1.x or SDXL", LargeAutoencoder = "an autoencoder of FLUX.1 or Stable Diffusion 3";

    private static readonly Dictionary<string, string> s_words = new (string Words, string Manifests)[]
    {
        (LargeClip, "clip-g sdxl-text-encoder-2-diffusers"),
        (Clip, "clip-l clip-vit-large-patch14 sd15-clip sd15-text-encoder-diffusers sd3-text-encoder-diffusers sdxl-text-encoder-diffusers"),
        ("a CLIP-L text encoder and a CLIP-G text encoder", "sdxl-conditioner"),
        ("a T5 text encoder", "t5xxl flux-text-encoder-2"),
        ("an mT5 text encoder of Hunyuan-DiT", "hunyuan-mt5 hunyuan-mt5-diffusers"),
        ("a BERT text encoder of Hunyuan-DiT", "hunyuan-bert"),
        ("the transformer of Hunyuan-DiT", "hunyuan-dit hunyuan-dit-diffusers"),
        ("a ChatGLM3 text encoder of Kolors", "kolors-text-encoder"),
        ("the U-Net of Kolors", "kolors-unet"),
        ("the transformer of OmniGen", "omnigen-v1 omnigen-v1-diffusers"),
        ("the transformer of FLUX.1", "flux1-dev flux1-dev-diffusers flux1-schnell flux1-schnell-diffusers"),
        ("the transformer of Flex.2", "flex2-preview"),
        (LargeAutoencoder, "flux-ae flux-vae-diffusers"),
        (Sd1Parts, "sd15 sd15-published"),
        ("the U-Net of Stable Diffusion 1.x", "sd15-unet sd15-unet-diffusers"),
        (SmallAutoencoder, "sd15-vae sd15-vae-diffusers sdxl-vae-diffusers"),
        ("a ControlNet for Stable Diffusion 1.x", "sd15-controlnet sd15-controlnet-diffusers"),
        ("a ControlNet-Union for SDXL", "sdxl-controlnet-union-promax"),
        ("the U-Net of SDXL", "sdxl-unet sdxl-unet-diffusers"),
        ("Stable Diffusion 3 (transformer, autoencoder, CLIP-G text encoder, CLIP-L text encoder)", "sd3-medium-clips"),
        ("Stable Diffusion 3 (transformer, autoencoder, CLIP-G text encoder, CLIP-L text encoder, T5 text encoder)", "sd3-medium-clips-t5"),
        ("Stable Diffusion 3 (transformer, autoencoder)", "sd35-large sd35-medium"),
        ("the transformer of Stable Diffusion 3", "sd3-medium-transformer-diffusers sd35-large-transformer-diffusers sd35-medium-transformer-diffusers"),
    }.SelectMany(row => row.Manifests.Split(' '), (row, manifest) => (manifest, row.Words)).ToDictionary();

    public static TheoryData<string> Manifests() => [.. Directory.GetFiles(Repository.Fixture("manifests"), "*.tsv").Select(file => Path.GetFileNameWithoutExtension(file)!)];

    [Theory]
    [MemberData(nameof(Manifests))]
    public void A_published_file_is_told(string manifest)
    {
        Assert.True(s_words.TryGetValue(manifest, out var expected), $"Say in {nameof(FamilySignsTests)} what '{manifest}' is.");
        Assert.Equal(expected, Words(Manifest.Read(manifest)));
    }

    // Published files that no manifest lists, by the rows that count.
    [Theory]
    [InlineData("the transformer of FLUX.1 Fill", "double_blocks.0.img_attn.qkv.weight 9216x3072", "img_in.weight 3072x384")]
    [InlineData("the transformer of FLUX.1 Canny or Depth", "single_transformer_blocks.0.proj_mlp.weight 12288x3072", "x_embedder.weight 3072x128")]
    [InlineData("the transformer of Chroma", "double_blocks.0.img_attn.qkv.weight 9216x3072", "img_in.weight 3072x64", "distilled_guidance_layer.in_proj.weight 5120x64")]
    [InlineData("the U-Net of SDXL refiner", "model.diffusion_model.time_embed.0.weight 1536x384", "model.diffusion_model.label_emb.0.0.weight 1536x2560", "model.diffusion_model.input_blocks.0.0.weight 384x4x3x3")]
    [InlineData("Stable Diffusion 2 (U-Net, OpenCLIP-H text encoder)", "model.diffusion_model.time_embed.0.weight 1280x320", "model.diffusion_model.input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight 320x1024",
        "cond_stage_model.model.token_embedding.weight 49408x1024", "cond_stage_model.model.transformer.resblocks.12.ln_1.weight 1024")]
    [InlineData("the U-Net of Stable Diffusion 2", "time_embedding.linear_1.weight 1280x320", "down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k.weight 320x1024", "conv_in.weight 320x4x3x3")]
    [InlineData("an OpenCLIP-H text encoder of Stable Diffusion 2", "text_model.embeddings.token_embedding.weight 49408x1024", "text_model.encoder.layers.12.mlp.fc1.weight 4096x1024")]
    [InlineData("a UMT5 text encoder", "encoder.block.0.layer.0.SelfAttention.q.weight 4096x4096", "encoder.block.1.layer.0.SelfAttention.relative_attention_bias.weight 32x64")]
    [InlineData("a Phi-3 language model of OmniGen", "model.layers.0.self_attn.qkv_proj.weight 9216x3072")]
    [InlineData("a language model", "model.layers.0.self_attn.q_proj.weight 896x896")]
    [InlineData("a CLIP image encoder", "vision_model.encoder.layers.0.layer_norm1.weight 1152")]
    [InlineData("a ControlNet for FLUX.1", "controlnet_x_embedder.weight 3072x64", "transformer_blocks.0.attn.add_q_proj.weight 3072x3072", "single_transformer_blocks.0.proj_mlp.weight 12288x3072")]
    [InlineData("a ControlNet for FLUX.1", "controlnet_blocks.0.weight 3072x3072", "double_blocks.0.img_attn.qkv.weight 9216x3072", "input_hint_block.0.weight 16x3x3x3")]
    [InlineData("a ControlNet for Stable Diffusion 3", "controlnet_blocks.0.weight 1536x1536", "pos_embed_input.proj.weight 1536x16x2x2", "transformer_blocks.0.attn.add_q_proj.weight 1536x1536", "pos_embed.pos_embed 1x36864x1536")]
    [InlineData("a ControlNet for Hunyuan-DiT", "after_proj_list.0.weight 1408x1408", "mlp_t5.0.weight 8192x2048")]
    [InlineData("a ControlNet for Hunyuan-DiT", "controlnet_blocks.0.weight 1408x1408", "time_extra_emb.timestep_embedder.linear_1.weight 1408x256")]
    [InlineData("a ControlNet for SDXL", "controlnet_cond_embedding.conv_in.weight 16x3x3x3", "add_embedding.linear_1.weight 1280x2816")]
    [InlineData("a ControlNet for Stable Diffusion 2", "control_model.input_hint_block.0.weight 16x3x3x3", "control_model.middle_block.1.transformer_blocks.0.attn2.to_k.weight 1280x1024")]
    [InlineData("a Control-LoRA", "lora_controlnet 0", "input_hint_block.0.weight 16x3x3x3")]
    [InlineData("a ControlNet-LLLite", "lllite_unet_input_blocks_4_1_transformer_blocks_0_attn1_to_k.down.0.weight 16x640")]
    [InlineData("a T2I-Adapter", "adapter.body.0.block1.weight 320x320x3x3")]
    [InlineData("an IP-Adapter for Stable Diffusion 1.x", "ip_adapter.1.to_k_ip.weight 320x768", "image_proj.proj.weight 3072x1024")]
    [InlineData("an IP-Adapter for SDXL", "ip_adapter/1.to_k_ip.weight 640x2048")]
    [InlineData("an IP-Adapter for FLUX.1", "double_blocks.0.processor.ip_adapter_double_stream_k_proj.weight 3072x4096")]
    [InlineData("a Redux adapter for FLUX.1", "redux_up.weight 12288x1152", "redux_down.weight 4096x12288")]
    [InlineData("a textual inversion for Stable Diffusion 1.x", "string_to_param/* 8x768")]
    [InlineData("a textual inversion for Stable Diffusion 2", "emb_params 4x1024")]
    [InlineData("a textual inversion for Stable Diffusion 1.x", "<cat> 768")]
    [InlineData("a textual inversion for SDXL", "clip_l 2x768", "clip_g 2x1280")]
    [InlineData("a LoRA", "lora_unet_mid_block_attentions_0_proj_in.lora_down.weight 4x1280x1x1")]
    [InlineData("a LoRA", "transformer.single_transformer_blocks.0.attn.to_q.lora_A.weight 16x3072")]
    [InlineData("a LoRA", "double_blocks.0.processor.proj_lora1.up.weight 3072x16")]
    [InlineData("an ESRGAN upscaler", "params_ema/body.0.rdb1.conv1.weight 32x64x3x3")]
    [InlineData("a Depth-Anything network", "pretrained.blocks.0.norm1.weight 384", "depth_head.projects.0.weight 48x384x1x1")]
    [InlineData("a MiDaS depth network", "pretrained.model.patch_embed.backbone.stem.conv.weight 64x3x7x7")]
    [InlineData("a line-art network", "model0.1.weight 64x3x7x7", "model4.1.weight 1x64x7x7")]
    [InlineData("an autoencoder", "decoder.conv_in.weight 512x32x3x3")]
    [InlineData(null, "something.weight 3x3")]
    public void Other_files_are_told(string? expected, params string[] rows)
        => Assert.Equal(expected, Words(rows.Select(row => row.Split(' ')).ToDictionary(cells => cells[0], cells => new TensorEntry(cells[0], StoredType.F16, [.. cells[1].Split('x').Select(long.Parse)]))));

    [Fact]
    public void A_merge_is_the_sum_of_its_parts()
    {
        var parts = Manifest.Read("sdxl-unet").Concat(Manifest.Read("sdxl-conditioner")).Concat(Manifest.Read("sd15-vae")).ToDictionary();
        Assert.Equal("SDXL (U-Net, CLIP-L text encoder, CLIP-G text encoder, autoencoder)", Words(parts));
        foreach (var (part, left) in new[] { ("conditioner.embedders.1.", "SDXL (U-Net, CLIP-L text encoder, autoencoder)"), ("conditioner.", "SDXL (U-Net, autoencoder)"), ("first_stage_model.", "the U-Net of SDXL") })
        {
            foreach (var name in parts.Keys.Where(name => name.StartsWith(part, StringComparison.Ordinal)).ToList()) parts.Remove(name);
            Assert.Equal(left, Words(parts));
        }
    }

    [Fact]
    public void A_lora_inside_another_program_s_bundle_is_no_model()
        => Assert.Equal("a LoRA", Words(Manifest.Read("flux1-dev").Values.Select(entry => entry with { Name = $"diffusion_model.{entry.Name.Replace(".weight", ".lora_A.weight", StringComparison.Ordinal)}" }).ToDictionary(entry => entry.Name)));

    [Fact]
    public void Every_family_that_runs_is_told_by_its_name()
        => Assert.All(FamilyCatalogue.All, family => Assert.Contains(FamilySignTable.Parts, sign => sign.Kind == SignKind.Denoiser && sign.Family == family.Name));

    private static string? Words(Dictionary<string, TensorEntry> rows) => FamilySigns.Words(FamilySigns.Look([new Manifest(rows)]));
}
