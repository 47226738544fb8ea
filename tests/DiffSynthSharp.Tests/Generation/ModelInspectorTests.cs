using DiffSynthSharp.Tests.Goldens;
using DiffSynthSharp.Weights;
using static TorchSharp.torch;

namespace DiffSynthSharp.Tests.Generation;

/// <summary>What is said of files: complete, in parts, of families that can't be run, in small element types.</summary>
public sealed class ModelInspectorTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_file_with_parts_missing_says_which()
    {
        var files = PipelineModels.Folder(GoldenFolder.All().First(folder => folder.Name == "pipeline-flux-dev"), "files");
        File.Copy(Path.Combine(files, "flux1-dev.safetensors"), _folder["flux1-dev.safetensors"]);
        var model = ModelInspector.Inspect(_folder["flux1-dev.safetensors"]);
        Assert.Equal(("FLUX.1", "transformer"), (model.Family, Assert.Single(model.Parts).Name));
        Assert.Equal(["CLIP-L text encoder", "T5 text encoder", "autoencoder"], model.Missing);
        Assert.Equal("FLUX.1 without CLIP-L text encoder, T5 text encoder, autoencoder; `diffsynth models where` says where to get what is missing", model.Summary);
    }

    [Fact]
    public void A_file_of_one_part_is_that_part_whatever_lies_beside_it()
    {
        var files = PipelineModels.Folder(GoldenFolder.All().First(folder => folder.Name == "pipeline-flux-dev"), "files");
        var model = ModelInspector.Inspect(Path.Combine(files, "t5xxl_fp16.safetensors"));
        Assert.Equal("T5 text encoder", Assert.Single(model.Parts).Name);
        Assert.Equal("looks like a T5 text encoder, which is a part of a model: name it with --t5, and the model with --model", model.Summary);
    }

    [Fact]
    public void A_model_of_a_family_that_cannot_be_run_is_named_with_its_parts()
    {
        var path = Write("sdxl.safetensors", "model.diffusion_model.time_embed.0.weight", "model.diffusion_model.label_emb.0.0.weight", "model.diffusion_model.input_blocks.0.0.weight", "conditioner.embedders.1.model.token_embedding.weight");
        var model = ModelInspector.Inspect(path);
        Assert.Equal(("SDXL", "looks like SDXL (U-Net, CLIP-G text encoder), which is not supported yet. Supported: FLUX.1, Stable Diffusion 3, Stable Diffusion 1.x"), (model.Family, model.Summary));
        Assert.Equal([("U-Net", "model.diffusion_model.", 3), ("CLIP-G text encoder", "conditioner.embedders.1.", 1)], model.Parts.Select(part => (part.Name, part.Prefix, part.Tensors)));
        var message = Assert.Throws<DiffSynthException>(() => DiffusionModel.Load(path)).Message;
        Assert.Equal($"'{path}' looks like SDXL (U-Net, CLIP-G text encoder), which is not supported yet. Supported: FLUX.1, Stable Diffusion 3, Stable Diffusion 1.x.", message);
        Assert.Equal(message, Assert.Throws<DiffSynthException>(() => MemoryForecast.Of(path, new())).Message);
    }

    [Fact]
    public void A_folder_of_a_family_that_cannot_be_run_is_named_with_its_parts()
    {
        Write("unet/diffusion_pytorch_model.safetensors", "time_embedding.linear_1.weight", "add_embedding.linear_1.weight", "encoder_hid_proj.weight", "conv_in.weight");
        Write("text_encoder/model.safetensors", "transformer.encoder.layers.0.self_attention.query_key_value.weight");
        Directory.CreateDirectory(_folder["text_encoder_2"]); // a folder without weights is none
        var model = ModelInspector.Inspect(_folder.Path);
        Assert.Contains("looks like Kolors (ChatGLM3 text encoder, U-Net), which is not supported yet", model.Summary);
        Assert.Contains("looks like Kolors", Assert.Throws<DiffSynthException>(() => DiffusionModel.Load(_folder.Path)).Message);
    }

    [Theory]
    [InlineData("a ControlNet for Stable Diffusion 1.x, which is attached to a model: name it with --control, and the model with --model", "input_hint_block.0.weight")]
    [InlineData("a ControlNet for FLUX.1, which is not supported yet", "controlnet_x_embedder.weight")]
    [InlineData("an ESRGAN upscaler, which is for `diffsynth upscale`", "body.0.rdb1.conv1.weight")]
    [InlineData("a LoRA, which is attached to a model: name it with --lora, and the model with --model", "lora_unet_x.lora_down.weight", "lora_unet_x.lora_up.weight")]
    [InlineData("a LoRA for FLUX.1, which is not supported yet", "lora_unet_double_blocks_0_img_attn_proj.lora_down.weight", "lora_unet_double_blocks_0_img_attn_proj.lora_up.weight")]
    public void What_goes_with_a_model_says_how(string expected, params string[] names)
    {
        var path = Write("file.safetensors", names);
        Assert.Equal($"looks like {expected}", ModelInspector.Inspect(path).Summary);
        Assert.StartsWith($"'{path}' looks like {expected.Split(',')[0].Replace(" for FLUX.1", "", StringComparison.Ordinal)}", Assert.Throws<DiffSynthException>(() => DiffusionModel.Load(path)).Message.Replace(" for FLUX.1", "", StringComparison.Ordinal));
    }

    [Fact]
    public void Names_that_nothing_has_are_shown()
        => Assert.Equal("Its 2 tensors begin with 'a.weight'.", ModelInspector.Inspect(Write("file.safetensors", "a.weight", "b.weight")).Summary);

    [Fact]
    public void Element_types_are_counted_with_those_that_have_scales_apart()
    {
        var gguf = Assert.Single(ModelInspector.Inspect(Repository.Fixture("goldens/gguf/flux-kquants.gguf")).Parts);
        Assert.Equal(gguf.Tensors, gguf.TypeCounts.Values.Sum());
        Assert.All(["Q4_K", "Q6_K", "F32"], type => Assert.True(gguf.TypeCounts[type] > 0));
        using var file = GoldenFolder.All().First(golden => golden.Name == "flux-fp8").WriteWeights("fp8-scaled");
        var scaled = Assert.Single(ModelInspector.Inspect(file.Path).Parts);
        Assert.Equal(scaled.Tensors, scaled.TypeCounts.Values.Sum());
        Assert.True(scaled.TypeCounts["F8_E4M3 scaled"] > 0);
    }

    private string Write(string file, params string[] names)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(_folder[file])!);
        using var scope = NewDisposeScope();
        SafetensorsWriter.Write(_folder[file], names.Select(name => (name, zeros(4, 4))));
        return _folder[file];
    }
}
