namespace DiffSynthSharp.Weights;

/// <summary>The signs by which files are told apart. In each list the first that fits counts, so relatives stand before what they look like.</summary>
internal static class FamilySignTable
{
    private const string Sd1 = "Stable Diffusion 1.x", Sd2 = "Stable Diffusion 2", Sd3 = "Stable Diffusion 3", Sdxl = "SDXL", Refiner = "SDXL refiner", Kolors = "Kolors", Flux = "FLUX.1", Hunyuan = "Hunyuan-DiT", OmniGen = "OmniGen";

    private const string FluxBlocks = "double_blocks.0.img_attn.qkv.weight|single_transformer_blocks.0.proj_mlp.weight", FluxInput = "img_in.weight|x_embedder.weight";
    private const string UNetTime = "time_embed.0.weight|time_embedding.linear_1.weight", SizeInput = "label_emb.0.0.weight|add_embedding.linear_1.weight";
    private const string TextKeys = "attn2.to_k.weight", ImageKeys = "to_k_ip.weight", ControlHint = "controlnet_cond_embedding.|input_hint_block.";
    private const string T5Block = "encoder.block.0.layer.0.SelfAttention.q.weight", Decoder = "decoder.conv_in.weight";

    // Widths that families are known by: of the text that U-Nets attend to, of the vector of sizes and summary, of mT5's vocabulary.
    private const long TextOfSd1 = 768, TextOfSd2 = 1024, TextOfSdxl = 2048, SizesOfRefiner = 2560, SmallestMT5 = 200_000;

    /// <summary>What a whole file is or isn't.</summary>
    public static IReadOnlyList<FamilySign> Adapters { get; } =
    [
        new(SignKind.Adapter, null, "Control-LoRA", "lora_controlnet"),
        new(SignKind.Adapter, null, "ControlNet-LLLite") { Where = names => names.Contains("lllite_") },
        new(SignKind.Adapter, null, "LoRA") { Where = IsLora, Use = "--lora" },
        new(SignKind.Adapter, Flux, "IP-Adapter", "ip_adapter_double_stream_k_proj.weight"),
        new(SignKind.Adapter, Sd1, "IP-Adapter", ImageKeys) { Where = names => names.Side(ImageKeys, 1) == TextOfSd1 },
        new(SignKind.Adapter, Sdxl, "IP-Adapter", ImageKeys) { Where = names => names.Side(ImageKeys, 1) == TextOfSdxl },
        new(SignKind.Adapter, null, "IP-Adapter", ImageKeys),
        new(SignKind.Adapter, Flux, "Redux adapter", "redux_up.weight"),
        new(SignKind.Adapter, Sdxl, "ControlNet-Union", "task_embedding"),
        new(SignKind.Adapter, Flux, "ControlNet", "controlnet_x_embedder.|controlnet_single_blocks."),
        new(SignKind.Adapter, Flux, "ControlNet", "controlnet_blocks.", "double_blocks.0."),
        new(SignKind.Adapter, Sd3, "ControlNet", "controlnet_blocks.", "pos_embed_input."),
        new(SignKind.Adapter, Hunyuan, "ControlNet", "controlnet_blocks.|after_proj_list.", "time_extra_emb.|mlp_t5."),
        new(SignKind.Adapter, null, "ControlNet", "controlnet_blocks."),
        new(SignKind.Adapter, Sdxl, "ControlNet", ControlHint, SizeInput),
        new(SignKind.Adapter, Sd2, "ControlNet", ControlHint) { Where = names => names.Side(TextKeys, 1) == TextOfSd2 },
        new(SignKind.Adapter, Sd1, "ControlNet", ControlHint) { Where = names => !names.Has("model.diffusion_model."), Use = "--control" },
        new(SignKind.Adapter, null, "T2I-Adapter", "adapter.body.|body.0.block1.|body.0.resnets."),
        new(SignKind.Adapter, Sdxl, "textual inversion", "clip_g"),
        new(SignKind.Adapter, Sd2, "textual inversion") { Where = names => LearnedWidth(names) == TextOfSd2 },
        new(SignKind.Adapter, Sd1, "textual inversion") { Where = names => LearnedWidth(names) == TextOfSd1, Use = "--embedding" },
        new(SignKind.Adapter, null, "textual inversion") { Where = names => LearnedWidth(names) is not null, Use = "--embedding" },
    ];

    /// <summary>What the tensors behind a prefix are.</summary>
    public static IReadOnlyList<FamilySign> Parts { get; } =
    [
        new(SignKind.Part, Sd1, "ControlNet", ControlHint) { Use = "--control" },
        new(SignKind.Denoiser, "Chroma", "transformer", "distilled_guidance_layer."),
        new(SignKind.Denoiser, "FLUX.1 Fill", "transformer", FluxBlocks) { Where = names => names.Side(FluxInput, 1) == 384 },
        new(SignKind.Denoiser, "FLUX.1 Canny or Depth", "transformer", FluxBlocks) { Where = names => names.Side(FluxInput, 1) == 128 },
        new(SignKind.Denoiser, "Flex.2", "transformer", FluxBlocks) { Where = names => names.Side(FluxInput, 1) == 196 },
        new(SignKind.Denoiser, Flux, "transformer", FluxBlocks),
        new(SignKind.Denoiser, Sd3, "transformer", "joint_blocks.0.context_block.attn.qkv.weight"),
        new(SignKind.Denoiser, Sd3, "transformer", "transformer_blocks.0.attn.add_q_proj.weight", "pos_embed.pos_embed"),
        new(SignKind.Denoiser, Hunyuan, "transformer", "mlp_t5.0.weight|time_extra_emb.timestep_embedder.linear_1.weight"),
        new(SignKind.Denoiser, OmniGen, "transformer", "input_x_embedder.proj.weight|patch_embedding.input_image_proj.weight"),
        new(SignKind.Denoiser, Kolors, "U-Net", "encoder_hid_proj.weight", "add_embedding.linear_1.weight"),
        new(SignKind.Denoiser, Sd2, "U-Net", UNetTime, TextKeys) { Where = names => names.Side(TextKeys, 1) == TextOfSd2 },
        new(SignKind.Denoiser, Refiner, "U-Net", UNetTime, SizeInput) { Where = names => names.Side(SizeInput, 1) == SizesOfRefiner },
        new(SignKind.Denoiser, Sdxl, "U-Net", UNetTime, SizeInput),
        new(SignKind.Denoiser, Sd1, "U-Net", UNetTime, "input_blocks.0.0.weight|conv_in.weight"),
        new(SignKind.Part, null, "UMT5 text encoder", T5Block, "encoder.block.1.layer.0.SelfAttention.relative_attention_bias.weight"),
        new(SignKind.Part, Hunyuan, "mT5 text encoder", T5Block) { Where = names => names.Side("shared.weight|encoder.embed_tokens.weight", 0) > SmallestMT5 },
        new(SignKind.Part, null, "T5 text encoder", T5Block) { Use = "--t5" },
        new(SignKind.Part, Hunyuan, "BERT text encoder", "encoder.layer.0.attention.self.query.weight", "embeddings.word_embeddings.weight"),
        new(SignKind.Part, Kolors, "ChatGLM3 text encoder", "encoder.layers.0.self_attention.query_key_value.weight"),
        new(SignKind.Part, OmniGen, "Phi-3 language model", "layers.0.self_attn.qkv_proj.weight"),
        new(SignKind.Part, null, "language model", "model.layers.0.self_attn.q_proj.weight"),
        new(SignKind.Part, null, "CLIP-G text encoder", "text_encoders.clip_g.|conditioner.embedders.1.|text_model.encoder.layers.24.") { Use = "--clip-g" },
        new(SignKind.Part, null, "CLIP-G text encoder", "token_embedding.weight", "transformer.resblocks.24.") { Use = "--clip-g" },
        new(SignKind.Part, Sd2, "OpenCLIP-H text encoder", "token_embedding.weight", "transformer.resblocks.12.|text_model.encoder.layers.12."),
        new(SignKind.Part, null, "CLIP-L text encoder", "text_model.embeddings.token_embedding.weight") { Use = "--clip-l" },
        new(SignKind.Part, null, "CLIP image encoder", "vision_model.encoder.layers.0.layer_norm1.weight"),
        new(SignKind.Part, "FLUX.1 or Stable Diffusion 3", "autoencoder", Decoder) { Where = names => names.Side(Decoder, 1) == 16, Use = "--vae" },
        new(SignKind.Part, "Stable Diffusion 1.x or SDXL", "autoencoder", Decoder) { Where = names => names.Side(Decoder, 1) == 4, Use = "--vae" },
        new(SignKind.Part, null, "autoencoder", Decoder),
        new(SignKind.Tool, null, "ESRGAN upscaler", "body.0.rdb1.conv1.weight|RRDB_trunk.0.RDB1.conv1.weight|model.1.sub.0.RDB1.conv1.0.weight") { Use = "`diffsynth upscale`" },
        new(SignKind.Tool, null, "Depth-Anything network", "pretrained.blocks.0.norm1.weight|backbone.encoder.layer.0.norm1.weight", "depth_head.|neck.") { Use = "`diffsynth annotate`" },
        new(SignKind.Tool, null, "MiDaS depth network", "pretrained.model.patch_embed.backbone.") { Use = "`diffsynth annotate`" },
        new(SignKind.Tool, null, "line-art network", "model0.1.weight", "model4.1.weight") { Use = "`diffsynth annotate`" },
    ];

    private static bool IsLora(TensorNames names)
        => Array.Exists((string[])["lora_A.", "lora_up.", "lora_down.", "_lora.up.", "_lora1.up.", "lora_unet_", "lora_te", "hada_w1", "lokr_w1"], names.Contains);

    // The layouts of A1111 (.pt, .safetensors), then diffusers': one tensor, named by its word, which only its width speaks for.
    private static long? LearnedWidth(TensorNames names)
        => names.Side("string_to_param/*|emb_params", 1) ?? (names.Single is { Shape: [.., TextOfSd1 or TextOfSd2] and ([_] or [_, _]) } only ? only.Shape[^1] : null);
}
