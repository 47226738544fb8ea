using DiffSynthSharp.Tests.Goldens;

namespace DiffSynthSharp.Tests.Generation;

/// <summary>Where the parts of tiny models are found, and what is said of those that are missing.</summary>
public sealed class ModelPartsTests : IDisposable
{
    private static readonly string s_flux = PipelineModels.Folder(GoldenFolder.All().First(golden => golden.Name == "pipeline-flux-dev"), "files");
    private static readonly string s_sd3 = PipelineModels.Folder(GoldenFolder.All().First(golden => golden.Name == "pipeline-sd35"), "files");

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Parts_are_found_in_the_file_beside_it_and_by_options()
    {
        Copy(s_flux, "flux1-dev.safetensors", "flux1-dev.safetensors");
        Copy(s_flux, "clip_l.safetensors", "text_encoders/clip_l.safetensors");
        var named = Path.Combine(s_flux, "t5xxl_fp16.safetensors");
        var model = ModelParts.Of(_folder["flux1-dev.safetensors"], new() { T5 = named, Tokenizers = Repository.Fixture("goldens/tokenizers-tiny") });
        Assert.Equal(("FLUX.1", false, "FLUX.1 without autoencoder"), (model.Family, model.IsComplete, model.Summary));
        Assert.Equal(
        [
            ("CLIP-L text encoder", "beside", _folder["text_encoders/clip_l.safetensors"]), ("T5 text encoder", "--t5", named), ("transformer", "model", _folder["flux1-dev.safetensors"]), ("autoencoder", null, null),
            ("CLIP vocabulary (vocab.json and merges.txt)", "--tokenizers", Repository.Fixture("goldens/tokenizers-tiny/clip")), ("T5 vocabulary (spiece.model)", "--tokenizers", Repository.Fixture("goldens/tokenizers-tiny/t5")),
        ], model.Parts.Select(part => (part.Name, part.Origin, part.Found)));
        var missing = model.Parts[3];
        Assert.Equal(("--vae", false), (missing.Option, missing.IsOptional));
        Assert.Equal(new("ae.safetensors", "https://huggingface.co/black-forest-labs/FLUX.1-schnell", 335_304_388, "afc8e28272cd15db3919bacdb6918ce9c1ed22e96cb12c4d5ed0fba823529e38"), Assert.Single(missing.Downloads));
        Assert.All([_folder["flux1-dev.safetensors"], _folder["ae.safetensors"], _folder["vae/ae.safetensors"]], place => Assert.Contains(place, missing.LookedIn));
        Copy(s_flux, "ae.safetensors", "vae/ae.safetensors");
        Assert.True(ModelParts.Of(_folder["flux1-dev.safetensors"], new() { T5 = named, Tokenizers = Repository.Fixture("goldens/tokenizers-tiny") }).IsComplete);
    }

    [Fact]
    public void A_missing_vocabulary_is_missing()
    {
        var model = ModelParts.Of(TinyModel.SingleFile, new() { Tokenizers = _folder["empty"] });
        var vocabulary = model.Parts.Single(part => part.Pull is not null);
        Assert.Equal((false, null, "clip-tokenizer", "Stable Diffusion 1.x without CLIP vocabulary (vocab.json and merges.txt)"), (model.IsComplete, vocabulary.Found, vocabulary.Pull, model.Summary));
        Assert.Equal([("vocab.json", 1_059_962L), ("merges.txt", 524_619L)], vocabulary.Downloads.Select(download => (download.Name, download.Bytes!.Value)));
        Assert.Equal([_folder["empty"], _folder["empty/clip"], _folder["empty/tokenizers/clip"]], vocabulary.LookedIn);
        Assert.Null(vocabulary.Origin);
    }

    [Fact]
    public void One_text_encoder_of_several_is_enough()
    {
        var name = "sd3.5_medium.safetensors";
        Copy(s_sd3, name, name);
        Assert.Equal("Stable Diffusion 3 without text encoder (CLIP-L, CLIP-G or T5)", ModelParts.Of(_folder[name]).Summary);
        var model = ModelParts.Of(_folder[name], new() { ClipG = Path.Combine(s_sd3, "text_encoders", "clip_g.safetensors"), Tokenizers = Repository.Fixture("goldens/tokenizers-tiny") });
        Assert.True(model.IsComplete);
        Assert.Equal(["CLIP-L text encoder", "T5 text encoder"], model.Parts.Where(part => part.Found is null).Select(part => part.Name));
        Assert.Equal("clip-tokenizer", Assert.Single(model.Parts, part => part.Pull is not null).Pull);
    }

    [Fact]
    public void A_single_part_is_told_what_it_is_for()
    {
        var model = ModelParts.Of(Path.Combine(s_flux, "t5xxl_fp16.safetensors"));
        Assert.Equal((false, "looks like a T5 text encoder, which is a part of a model: name it with --t5, and the model with --model"), (model.IsComplete, model.Summary));
        Assert.Empty(model.Parts);
    }

    [Fact]
    public void Every_family_says_what_it_is_made_of()
    {
        var families = ModelParts.OfFamilies();
        Assert.Equal(["FLUX.1", "Stable Diffusion 3", "Stable Diffusion 1.x"], families.Select(family => family.Family));
        Assert.All(families, family => Assert.All(family.Models.Concat(family.Parts.SelectMany(part => part.Downloads)), download =>
        {
            Assert.StartsWith("https://", download.Home);
            Assert.Matches("^[0-9a-f]{64}$", download.Sha256 ?? new('0', 64));
        }));
        Assert.All(families, family => Assert.Contains(family.Parts, part => part.Pull == "clip-tokenizer"));
    }

    private void Copy(string from, string name, string to)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(_folder[to])!);
        File.Copy(Path.Combine(from, name), _folder[to]);
    }
}
