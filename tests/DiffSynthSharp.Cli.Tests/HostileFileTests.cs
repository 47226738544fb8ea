using DiffSynthSharp.Tests;
using DiffSynthSharp.Tests.Generation;
using DiffSynthSharp.Weights;

namespace DiffSynthSharp.Cli.Tests;

/// <summary>Files of parts that are something else, or not whole: one line that names the file and the part.</summary>
public sealed class HostileFileTests(FamilyModels models) : IClassFixture<FamilyModels>, IDisposable
{
    private const string ClipL = "text_encoders.clip_l.transformer.", ClipG = "text_encoders.clip_g.transformer.", T5 = "text_encoders.t5xxl.transformer.";
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("flux", "--clip-l", T5, "holds no CLIP-L text encoder, which --clip-l is for. It holds a T5 text encoder, which --t5 is for.")]
    [InlineData("flux", "--clip-l", ClipG, "gives a vector of width 192, but the transformer")]
    [InlineData("flux", "--t5", "first_stage_model.", "holds no T5 text encoder, which --t5 is for. It holds an autoencoder, which --vae is for.")]
    [InlineData("flux", "--t5", ClipL, "It holds a CLIP-L text encoder, which --clip-l is for.")]
    [InlineData("flux", "--vae", T5, "It holds a T5 text encoder, which --t5 is for.")]
    [InlineData("sd3", "--clip-g", ClipL, "holds no CLIP-G text encoder, which --clip-g is for. It holds a CLIP-L text encoder")]
    [InlineData("sd3", "--clip-g", T5, "It holds a T5 text encoder, which --t5 is for.")]
    [InlineData("sd15", "--clip-l", T5, "holds no text encoder, which --clip-l is for. It holds a T5 text encoder")]
    [InlineData("sd15", "--clip-l", ClipG, "gives text of width 192, but the U-Net")]
    [InlineData("sd15", "--vae", "first_stage_model.", "gives latents of width 16, but the U-Net")]
    public async Task A_part_given_to_another_option_is_named_with_the_option_it_belongs_to(string family, string option, string prefix, string expected)
    {
        models.WritePart(_folder["part.safetensors"], "sd3", prefix);
        await Refused(expected, _folder["part.safetensors"], family, option);
    }

    [Fact]
    public async Task An_autoencoder_of_four_channels_is_not_taken_for_one_of_sixteen()
    {
        models.WritePart(_folder["vae.safetensors"], "sd15", "first_stage_model.");
        await Refused("gives latents of width 4, but the transformer", _folder["vae.safetensors"], "flux", "--vae");
        await Refused("gives latents of width 4, but the transformer", _folder["vae.safetensors"], "sd3", "--vae");
    }

    [Fact]
    public async Task A_CLIP_G_of_more_layers_is_not_taken_for_CLIP_L()
    {
        static IEnumerable<string> Deeper(string name) => name.Contains("layers.2.", StringComparison.Ordinal)
            ? Enumerable.Range(2, 12).Select(layer => name.Replace("layers.2.", $"layers.{layer}.", StringComparison.Ordinal)) : [name];
        using (TorchSharp.torch.NewDisposeScope())
        using (var file = WeightFile.Open(models["sd3"]))
        {
            var names = file.Entries.Keys.Where(name => name.StartsWith(ClipG, StringComparison.Ordinal));
            SafetensorsWriter.Write(_folder["clip_g.safetensors"], [.. names.SelectMany(name => Deeper(name[ClipG.Length..]).Select(deeper => (deeper, file.Read(name))))]);
        }
        await Refused("It holds a CLIP-G text encoder, which --clip-g is for.", _folder["clip_g.safetensors"], "flux", "--clip-l");
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task A_T5_that_lacks_a_block_says_which(int block)
    {
        models.WritePart(_folder["model.safetensors"], "sd3", T5, name => !name.StartsWith($"encoder.block.{block}.", StringComparison.Ordinal));
        File.WriteAllText(_folder["config.json"], """{"num_layers": 2, "feed_forward_proj": "gated-gelu"}""");
        await Refused($"'encoder.block.{block}.layer.0.", _folder.Path, "flux", "--t5");
    }

    [Fact]
    public async Task A_shard_that_is_cut_short_or_missing_is_named_with_its_part()
    {
        WriteShards();
        Assert.Equal(0, (await Generate("flux", "--t5", _folder.Path)).ExitCode);
        var shard = _folder["model-00002-of-00002.safetensors"];
        using (var stream = File.OpenWrite(shard)) stream.SetLength(stream.Length / 2);
        await Refused("The T5 text encoder can't be read: '" + shard, shard, "flux", "--t5", _folder.Path);
        File.Delete(shard);
        await Refused("its part '" + shard + "' is missing", _folder.Path, "flux", "--t5");
    }

    [Theory]
    [InlineData("../model-00002-of-00002.safetensors")]
    [InlineData("/etc/passwd")]
    [InlineData("..")]
    public async Task An_index_that_points_out_of_its_folder_is_refused(string path)
    {
        WriteShards(path);
        await Refused("The T5 text encoder can't be read: ", _folder["model.safetensors.index.json"], "flux", "--t5", _folder.Path);
    }

    [Fact]
    public async Task A_GGUF_file_of_another_part_is_no_autoencoder()
    {
        // One tensor, token_embd.weight, of 32 float32 zeros.
        byte[] gguf = [.. "GGUF"u8, 3, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 17, 0, 0, 0, 0, 0, 0, 0, .. "token_embd.weight"u8, 1, 0, 0, 0, 32, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        File.WriteAllBytes(_folder["model.gguf"], [.. gguf, .. new byte[(32 - gguf.Length % 32) % 32 + 128]]);
        foreach (var family in (string[])["flux", "sd3", "sd15"]) await Refused("holds no autoencoder, which --vae is for. Its one tensor is 'token_embd.weight'", _folder["model.gguf"], family, "--vae");
        File.WriteAllBytes(_folder["model.gguf"], gguf[..40]);
        await Refused("The autoencoder can't be read: ", _folder["model.gguf"], "flux", "--vae");
    }

    private void WriteShards(string second = "model-00002-of-00002.safetensors")
    {
        static bool IsFirst(string name) => !name.StartsWith("encoder.block.1.", StringComparison.Ordinal);
        models.WritePart(_folder["model-00001-of-00002.safetensors"], "flux", T5, IsFirst);
        models.WritePart(_folder["model-00002-of-00002.safetensors"], "flux", T5, name => !IsFirst(name));
        using var file = WeightFile.Open(models["flux"]);
        var names = file.Entries.Keys.Where(name => name.StartsWith(T5, StringComparison.Ordinal)).Select(name => name[T5.Length..]);
        var map = names.ToDictionary(name => name, name => IsFirst(name) ? "model-00001-of-00002.safetensors" : second);
        File.WriteAllText(_folder["model.safetensors.index.json"], System.Text.Json.JsonSerializer.Serialize(new { weight_map = map }));
    }

    private Task<Run> Generate(string family, params string[] more)
        => Run.Of(["generate", "a cat", "--model", models[family], "--tokenizers", RandomModels.Tokenizers, "--size", "32x32", "--steps", "1", "--quiet", "-o", _folder["a.png"], .. more]);

    private async Task Refused(string expected, string named, string family, string option, string? value = null)
    {
        var run = await Generate(family, option, value ?? named);
        Assert.Equal((2, ""), (run.ExitCode, run.Out));
        Assert.StartsWith("error: ", Assert.Single(run.ErrorLines));
        Assert.Contains(expected, run.Error);
        Assert.Contains(named, run.Error);
    }
}
