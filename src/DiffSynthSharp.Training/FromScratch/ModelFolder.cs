using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using DiffSynthSharp.Families.StableDiffusion;
using DiffSynthSharp.Models.Autoencoders;
using DiffSynthSharp.Models.TextEncoders;
using DiffSynthSharp.Models.UNets;
using DiffSynthSharp.Runtime;
using DiffSynthSharp.Weights;
using static TorchSharp.torch;

namespace DiffSynthSharp.Training.FromScratch;

/// <summary>Writes trained networks as a Hugging Face folder that any tool for Stable Diffusion 1.x reads.</summary>
/// <remarks>Layout and keys: huggingface/diffusers, StableDiffusionPipeline.save_pretrained; weights are float16.</remarks>
internal static class ModelFolder
{
    private const string DiffusersVersion = "0.32.0";
    private const double Guidance = 3;
    private static readonly JsonSerializerOptions s_indented = new() { WriteIndented = true };

    /// <summary>Writes the folder; files that are there already are replaced.</summary>
    /// <param name="folder">Made when it is not there.</param>
    /// <param name="task">Text encoder and U-Net.</param>
    /// <param name="autoencoder">Its latents have deviation 1.</param>
    /// <param name="vocabulary">Of the text encoder.</param>
    public static void Write(string folder, DiffusionTask task, AutoencoderKl autoencoder, StarterVocabulary vocabulary)
    {
        foreach (var part in (string[])["unet", "vae", "text_encoder", "scheduler", "tokenizer"]) Directory.CreateDirectory(Path.Combine(folder, part));
        WriteJson(Path.Combine(folder, "model_index.json"), Index());
        WriteJson(Path.Combine(folder, "scheduler", "scheduler_config.json"), Scheduler());
        vocabulary.Write(Path.Combine(folder, "tokenizer"));
        WriteJson(Path.Combine(folder, "unet", "config.json"), UNetJson(task.Network.Config, Drawings.Drawing.Side / autoencoder.Config.Reduction));
        WriteWeights(Path.Combine(folder, "unet", "diffusion_pytorch_model.safetensors"), task.Network, UNetKeys.Diffusers(task.Network.Config));
        WriteJson(Path.Combine(folder, "vae", "config.json"), AutoencoderJson(autoencoder.Config));
        WriteWeights(Path.Combine(folder, "vae", "diffusion_pytorch_model.safetensors"), autoencoder, AutoencoderKeys.Diffusers(autoencoder.Config));
        WriteJson(Path.Combine(folder, "text_encoder", "config.json"), TextJson(task.Text.Config, vocabulary));
        WriteWeights(Path.Combine(folder, "text_encoder", "model.safetensors"), task.Text, KeyMap.Identity());
    }

    private static void WriteWeights(string path, nn.Module network, KeyMap map)
    {
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        var stored = network.named_parameters().Select(parameter => Stored(map, parameter.name, parameter.parameter));
        SafetensorsWriter.Write(path, stored, new Dictionary<string, string> { ["format"] = "pt" });
    }

    // diffusers keeps the autoencoder's attention as linear layers, the author as 1×1 convolutions.
    private static (string, Tensor) Stored(KeyMap map, string ours, Tensor value)
    {
        var theirs = map.ToTheirs(ours) ?? throw new InvalidOperationException($"The key table has no row for '{ours}'.");
        var isMapAttention = theirs.Contains("mid_block.attentions.0.to_", StringComparison.Ordinal) && value.dim() == 4;
        var half = value.detach().to(ScalarType.Float16).contiguous();
        return (theirs, isMapAttention ? half.reshape(value.shape[0], value.shape[1]) : half);
    }

    private static void WriteJson(string path, JsonNode json)
        => AtomicFile.Write(path, stream => stream.Write(Encoding.UTF8.GetBytes(json.ToJsonString(s_indented) + "\n")));

    private static JsonArray Many(IEnumerable<string> names) => [.. names.Select(name => JsonValue.Create(name))];

    private static JsonArray Many(IEnumerable<long> numbers) => [.. numbers.Select(number => JsonValue.Create(number))];

    private static JsonObject Index() => new()
    {
        ["_class_name"] = "StableDiffusionPipeline",
        ["_diffusers_version"] = DiffusersVersion,
        [StableDiffusionFamily.GuidanceKey] = Guidance,
        ["feature_extractor"] = new JsonArray(null, null),
        ["image_encoder"] = new JsonArray(null, null),
        ["requires_safety_checker"] = false,
        ["safety_checker"] = new JsonArray(null, null),
        ["scheduler"] = new JsonArray("diffusers", "DPMSolverMultistepScheduler"),
        ["text_encoder"] = new JsonArray("transformers", "CLIPTextModel"),
        ["tokenizer"] = new JsonArray("transformers", "CLIPTokenizer"),
        ["unet"] = new JsonArray("diffusers", "UNet2DConditionModel"),
        ["vae"] = new JsonArray("diffusers", "AutoencoderKL"),
    };

    private static JsonObject Scheduler() => new()
    {
        ["_class_name"] = "DPMSolverMultistepScheduler",
        ["_diffusers_version"] = DiffusersVersion,
        ["algorithm_type"] = "dpmsolver++",
        ["beta_end"] = NoiseSchedule.LastBeta,
        ["beta_schedule"] = "scaled_linear",
        ["beta_start"] = NoiseSchedule.FirstBeta,
        ["final_sigmas_type"] = "zero",
        ["lower_order_final"] = true,
        ["num_train_timesteps"] = NoiseSchedule.Timesteps,
        ["prediction_type"] = "v_prediction",
        ["solver_order"] = 2,
        ["solver_type"] = "midpoint",
        ["timestep_spacing"] = "trailing",
    };

    private static JsonObject UNetJson(UNetConfig config, int side) => new()
    {
        ["_class_name"] = "UNet2DConditionModel",
        ["_diffusers_version"] = DiffusersVersion,
        ["act_fn"] = "silu",
        ["attention_head_dim"] = config.Heads,
        ["block_out_channels"] = Many(config.Levels.Select(level => level.Channels)),
        ["center_input_sample"] = false,
        ["cross_attention_dim"] = config.ContextWidth,
        ["down_block_types"] = Many(config.Levels.Select(level => level.Depth > 0 ? "CrossAttnDownBlock2D" : "DownBlock2D")),
        ["downsample_padding"] = 1,
        ["flip_sin_to_cos"] = true,
        ["freq_shift"] = 0,
        ["in_channels"] = config.InputChannels,
        ["layers_per_block"] = config.BlocksPerLevel,
        ["mid_block_scale_factor"] = 1,
        ["norm_eps"] = 1e-5,
        ["norm_num_groups"] = config.NormGroups,
        ["out_channels"] = config.OutputChannels,
        ["sample_size"] = side,
        ["up_block_types"] = Many(config.Levels.Reverse().Select(level => level.Depth > 0 ? "CrossAttnUpBlock2D" : "UpBlock2D")),
    };

    private static JsonObject AutoencoderJson(AutoencoderConfig config) => new()
    {
        ["_class_name"] = "AutoencoderKL",
        ["_diffusers_version"] = DiffusersVersion,
        ["act_fn"] = "silu",
        ["block_out_channels"] = Many(config.Channels),
        ["down_block_types"] = Many(config.Channels.Select(_ => "DownEncoderBlock2D")),
        ["in_channels"] = config.PictureChannels,
        ["latent_channels"] = config.LatentChannels,
        ["layers_per_block"] = config.BlocksPerLevel,
        ["norm_num_groups"] = config.NormGroups,
        ["out_channels"] = config.PictureChannels,
        ["sample_size"] = Drawings.Drawing.Side,
        ["scaling_factor"] = 1.0,
        ["up_block_types"] = Many(config.Channels.Select(_ => "UpDecoderBlock2D")),
    };

    private static JsonObject TextJson(ClipTextConfig config, StarterVocabulary vocabulary) => new()
    {
        ["architectures"] = new JsonArray("CLIPTextModel"),
        ["attention_dropout"] = 0.0,
        ["bos_token_id"] = vocabulary.Start,
        ["eos_token_id"] = vocabulary.End,
        ["hidden_act"] = config.QuickGelu ? "quick_gelu" : "gelu",
        ["hidden_size"] = config.Width,
        ["initializer_factor"] = 1.0,
        ["intermediate_size"] = config.Inner,
        ["layer_norm_eps"] = 1e-5,
        ["max_position_embeddings"] = config.Positions,
        ["model_type"] = "clip_text_model",
        ["num_attention_heads"] = config.Heads,
        ["num_hidden_layers"] = config.Layers,
        ["pad_token_id"] = vocabulary.End,
        ["projection_dim"] = config.Width,
        ["torch_dtype"] = "float16",
        ["vocab_size"] = config.Vocabulary,
    };
}
