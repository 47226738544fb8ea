using System.Text;
using DiffSynthSharp.Imaging;

namespace DiffSynthSharp.Tests.Records;

public sealed class ForeignRecordTests
{
    private const string Comfy = """
        {"3": {"class_type": "KSampler", "inputs": {"seed": 4294967303, "steps": 12, "cfg": 6.5, "sampler_name": "dpmpp_2m", "scheduler": "karras", "denoise": 1,
           "model": ["10", 0], "positive": ["6", 0], "negative": ["7", 0], "latent_image": ["5", 0]}},
         "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "v1-5.safetensors"}},
         "10": {"class_type": "LoraLoader", "inputs": {"lora_name": "ink.safetensors", "strength_model": 0.8, "strength_clip": 0.8, "model": ["4", 0], "clip": ["4", 1]}},
         "11": {"class_type": "CLIPSetLastLayer", "inputs": {"stop_at_clip_layer": -2, "clip": ["10", 1]}},
         "5": {"class_type": "EmptyLatentImage", "inputs": {"width": 512, "height": 768, "batch_size": 1}},
         "6": {"class_type": "CLIPTextEncode", "inputs": {"text": ["12", 0], "clip": ["11", 0]}},
         "12": {"class_type": "PrimitiveString", "inputs": {"value": "a red car"}},
         "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "blurry", "clip": ["11", 0]}},
         "20": {"class_type": "LatentUpscaleBy", "inputs": {"samples": ["3", 0], "scale_by": 2}},
         "21": {"class_type": "KSampler", "inputs": {"seed": 5, "steps": 8, "cfg": 6.5, "sampler_name": "dpmpp_2m", "scheduler": "karras", "denoise": 0.5,
           "model": ["10", 0], "positive": ["6", 0], "negative": ["7", 0], "latent_image": ["20", 0]}},
         "8": {"class_type": "VAEDecode", "inputs": {"samples": ["21", 0], "vae": ["4", 2]}},
         "9": {"class_type": "SaveImage", "inputs": {"images": ["8", 0]}}}
        """;

    [Fact]
    public void A_graph_of_ComfyUI_gives_prompts_passes_and_the_names_of_files()
    {
        var read = Of("prompt", Comfy);
        var request = read.Request;
        Assert.Equal(("ComfyUI", "v1-5.safetensors", null), (read.Program, read.Model, read.Strength));
        Assert.Equal(("a red car", "blurry", 2, 12, 6.5), (request.Prompt, request.Negative, request.ClipSkip, request.Steps, request.Guidance));
        Assert.Equal(("dpm++-2m", "karras", 512, 768, 7L), (request.Sampler, request.Schedule, request.Width, request.Height, request.Seeds[0]));
        var pass = Assert.Single(request.HighRes);
        Assert.Equal((1024, 1536, 0.5, 8, 5L), (pass.Width, pass.Height, pass.Strength, pass.Steps, pass.Seed));
        Assert.Contains("ink.safetensors", Assert.Single(read.NotMapped));
    }

    [Fact]
    public void A_graph_that_runs_in_circles_ends()
    {
        var read = Of("prompt", """{"1": {"class_type": "KSampler", "inputs": {"latent_image": ["2", 0], "model": ["1", 0], "positive": ["2", 0], "seed": ["1", 0]}}, "2": {"class_type": "X", "inputs": {"samples": ["1", 0], "conditioning": ["2", 0]}}}""");
        Assert.Equal("", read.Request.Prompt);
        Assert.Contains(read.NotMapped, line => line.Contains("node 2, X", StringComparison.Ordinal));
    }

    [Fact]
    public void InvokeAI_old_and_new_is_read()
    {
        var read = Of("invokeai_metadata", """{"app_version": "5.0", "positive_prompt": "a cat", "negative_prompt": "dog", "width": 512, "height": 640, "seed": 3, "cfg_scale": 7, "steps": 30, "scheduler": "dpmpp_2m_k", "clip_skip": 1, "model": {"name": "sd15", "hash": "blake3:00"}, "seamless_x": false}""");
        Assert.Equal(("a cat", "dog", "dpm++-2m", "karras", 2, "sd15", 30), (read.Request.Prompt, read.Request.Negative, read.Request.Sampler, read.Request.Schedule, read.Request.ClipSkip, read.Model, read.Request.Steps));
        Assert.Equal("seamless_x: false", Assert.Single(read.NotMapped));
        var old = Of("sd-metadata", """{"model_weights": "sd15", "image": {"prompt": [{"prompt": "a cat [dog]", "weight": 1}], "steps": 20, "cfg_scale": 7.5, "seed": 8, "width": 512, "height": 512, "sampler": "k_euler_a", "type": "txt2img"}}""");
        Assert.Equal(("a cat", "dog", "euler-a", 8L, "sd15"), (old.Request.Prompt, old.Request.Negative, old.Request.Sampler, old.Request.Seeds[0], old.Model));
    }

    [Fact]
    public void SwarmUI_is_read()
    {
        var read = Of("parameters", """{"sui_image_params": {"prompt": "a cat", "negativeprompt": "dog", "model": "sd15", "seed": 11, "steps": 20, "cfgscale": 7, "width": 512, "height": 512, "sampler": "euler_ancestral", "scheduler": "normal", "clipstopatlayer": -2, "freeu": "on"}}""");
        Assert.Equal(("SwarmUI", "a cat", "euler-a", "normal", 2, 11L), (read.Program, read.Request.Prompt, read.Request.Sampler, read.Request.Schedule, read.Request.ClipSkip, read.Request.Seeds[0]));
        Assert.Equal("freeu: on", Assert.Single(read.NotMapped));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void The_user_comment_of_exif_data_is_read_in_either_order_of_bytes(bool isLittle)
    {
        const string text = "a cat 😀\nSteps: 20, Sampler: Euler a, Seed: 1";
        byte[] comment = [.. "UNICODE\0"u8, .. (isLittle ? Encoding.Unicode : Encoding.BigEndianUnicode).GetBytes(text)];
        byte[] tiff = [.. "MM\0*"u8, 0, 0, 0, 8, 0, 1, 0x87, 0x69, 0, 4, 0, 0, 0, 1, 0, 0, 0, 26, 0, 0, 0, 0, 0, 1, 0x92, 0x86, 0, 7, 0, 0, 0, (byte)comment.Length, 0, 0, 0, 44, 0, 0, 0, 0, .. comment];
        byte[] exif = [.. "Exif\0\0"u8, .. tiff];
        byte[] jpeg = [0xFF, 0xD8, 0xFF, 0xE1, 0, (byte)(exif.Length + 2), .. exif, 0xFF, 0xDA];
        Assert.Equal(text, PictureTexts.Read(jpeg.AsSpan())["parameters"]);
        byte[] webp = [.. "RIFF"u8, 0, 0, 0, 0, .. "WEBP"u8, .. "EXIF"u8, (byte)tiff.Length, 0, 0, 0, .. tiff];
        Assert.Equal(text, PictureTexts.Read(webp.AsSpan())["parameters"]);
        for (var length = 0; length < jpeg.Length; length++) Assert.True(PictureTexts.Read(jpeg.AsSpan(0, length)).Count <= 1);
    }

    private static ForeignRecord Of(string keyword, string text) => ForeignRecord.Of(new Dictionary<string, string> { [keyword] = text })!;
}
