using DiffSynthSharp.Tests.Generation;
using DiffSynthSharp.Tests.Goldens;
using DiffSynthSharp.Weights;
using static TorchSharp.torch;

namespace DiffSynthSharp.Tests.Adapters;

public sealed class LoraInspectorTests : IDisposable
{
    private static readonly GoldenFolder s_golden = GoldenFolder.All().First(folder => folder.Name == "lora-sd15");
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Modules_are_listed_by_network_with_kind_rank_alpha_and_types()
    {
        using var file = s_golden.WriteWeights("kohya");
        var lora = LoraInspector.Inspect(file.Path);
        Assert.Equal((LoraLayout.Kohya, 31, 93), (lora.Layout, lora.Modules.Count, lora.Tensors));
        Assert.Equal(["text_encoder", "unet"], lora.Modules.Select(module => module.Network!).Distinct().Order(StringComparer.Ordinal));
        var convolution = lora.Modules.Single(module => module.Name == "down_blocks.0.resnets.0.conv1");
        Assert.Equal(("unet", "LoCon", 6L, 9.0, "F16"), (convolution.Network, convolution.Kind, convolution.Rank, convolution.Alpha, convolution.Types.Single()));
        Assert.Empty(lora.Strays);
    }

    [Theory]
    [InlineData("attn-procs", "unet")]
    [InlineData("diffsynth", "unet")]
    [InlineData("peft-library", "unet")]
    public void Names_tell_the_network_that_a_file_leaves_out(string layout, string network)
    {
        using var file = s_golden.WriteWeights(layout);
        Assert.All(LoraInspector.Inspect(file.Path).Modules, module => Assert.Equal(network, module.Network));
    }

    [Fact]
    public void Training_notes_are_told()
    {
        var notes = LoraInspector.Inspect(Path.Combine(s_golden.Path, "kohya-with-metadata.safetensors")).Notes;
        Assert.Equal(["ink drawing"], notes.TriggerWords);
        Assert.Equal(("ink_style_v2", "v1-5-pruned-emaonly.safetensors", "stable-diffusion-v1/lora"), (notes.Title, notes.BaseModel, notes.Architecture));
        Assert.Equal("trained \"by hand\" é \\ 漢", notes.Comment);
    }

    [Theory]
    [InlineData("""{"10_ink": {"ink drawing": 24, "mountain": 11}, "2_more": {"mountain": 20, " pine tree ": 9}}""", "mountain", "ink drawing", "pine tree")]
    [InlineData("""{"a": {"b": "many", "c": 1e999}, "d": 3}""", "c")]
    [InlineData("""{"a": {"\ud800": 1}}""")]
    [InlineData("[1, 2")]
    [InlineData("7")]
    [InlineData("None")]
    public void Without_a_phrase_the_commonest_tags_are_the_trigger_words(string tags, params string[] expected)
    {
        SafetensorsWriter.Write(_folder["lora.safetensors"], [("lora_unet_conv_in.lora_down.weight", ones(1, 4, 3, 3)), ("lora_unet_conv_in.lora_up.weight", ones(32, 1, 1, 1))], new Dictionary<string, string> { ["ss_tag_frequency"] = tags });
        Assert.Equal(expected, LoraInspector.Inspect(_folder["lora.safetensors"]).Notes.TriggerWords);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_model_says_what_of_a_LoRA_fits_it(bool isFolder)
    {
        using var file = s_golden.WriteWeights("kohya");
        var ledger = LoraInspector.Compare(file.Path, isFolder ? TinyModel.Folder : TinyModel.SingleFile);
        Assert.True(ledger.IsComplete);
        Assert.Equal(31, ledger.Matched.Count);
        using var useless = s_golden.WriteWeights("kohya-unmatched");
        var @case = s_golden.Cases().Single(@case => @case.Name == "case-kohya-unmatched");
        var expected = @case.Json.GetProperty("unmatched_keys").EnumerateArray().Select(name => name.GetString()!).Order(StringComparer.Ordinal);
        ledger = LoraInspector.Compare(useless.Path, TinyModel.SingleFile);
        Assert.Equal(expected, ledger.UnmatchedKeys.Order(StringComparer.Ordinal));
        Assert.Equal(@case.Json.GetProperty("wrong_shape_keys").GetArrayLength(), ledger.WrongShape.Sum(mismatch => mismatch.Keys.Count));
    }

    [Fact]
    public void A_module_that_changes_nothing_and_one_without_its_partner_are_named()
    {
        SafetensorsWriter.Write(_folder["lora.safetensors"],
            [("lora_unet_conv_in.lora_down.weight", ones(1, 4, 3, 3)), ("lora_unet_conv_in.lora_up.weight", zeros(32, 1, 1, 1)), ("lora_unet_conv_out.lora_down.weight", ones(1, 32, 3, 3)), ("stray", ones(1))]);
        var lora = LoraInspector.Inspect(_folder["lora.safetensors"]);
        Assert.Equal(["lora_unet_conv_out.lora_down.weight"], lora.IncompleteKeys);
        Assert.Equal(["stray"], lora.Strays);
        Assert.Equal(["conv_in"], LoraInspector.Compare(_folder["lora.safetensors"], TinyModel.Folder).ZeroEffect);
    }

    [Theory]
    [InlineData("SDXL", 999, "lora_unet_input_blocks_4_1_transformer_blocks_0_attn1_to_q", "lora_te2_text_model_encoder_layers_0_mlp_fc1")]
    [InlineData("SDXL", 640, "lora_unet_down_blocks_1_attentions_0_transformer_blocks_1_attn1_to_q")]
    [InlineData("SDXL", 1280, "unet.mid_block.attentions.0.transformer_blocks.9.attn1.to_q")]
    [InlineData("SDXL", 2048, "unet.up_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k")]
    [InlineData("SDXL", 1280, "unet.blocks.18.transformer_blocks.1.attn2.to_q")]
    [InlineData("FLUX.1", 999, "lora_unet_double_blocks_0_img_attn_qkv", "lora_te1_text_model_encoder_layers_0_mlp_fc1")]
    [InlineData("FLUX.1", 999, "lora_transformer_single_transformer_blocks_0_attn_to_k")]
    [InlineData("FLUX.1", 999, "diffusion_model.single_blocks.0.linear1")]
    [InlineData("FLUX.1", 3072, "transformer.transformer_blocks.2.attn.to_q", "transformer.transformer_blocks.2.attn.add_q_proj")]
    [InlineData("FLUX.1", 3072, "lora_transformer_transformer_blocks_2_attn_to_q")]
    [InlineData("FLUX.1", 3072, "blocks.0.attn.a_to_qkv")]
    [InlineData("Stable Diffusion 3", 999, "lora_unet_joint_blocks_0_x_block_attn_qkv", "lora_te2_text_model_encoder_layers_0_mlp_fc1")]
    [InlineData("Stable Diffusion 3", 999, "base_model.model.transformer_blocks.0.attn.add_q_proj")]
    [InlineData("Stable Diffusion 3", 1536, "transformer.transformer_blocks.0.attn.to_q")]
    [InlineData("Stable Diffusion 3", 2432, "transformer.transformer_blocks.37.attn.to_q")]
    [InlineData("Stable Diffusion 2", 1024, "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k")]
    public void A_file_for_another_family_is_refused_by_that_name_in_every_layout(string family, int width, params string[] modules)
    {
        var (down, up) = modules[0].Contains('.') ? ("lora_A.weight", "lora_B.weight") : ("lora_down.weight", "lora_up.weight");
        SafetensorsWriter.Write(_folder["lora.safetensors"], modules.SelectMany(name => new (string, Tensor)[] { ($"{name}.{down}", ones(2, width)), ($"{name}.{up}", ones(width, 2)) }));
        using var model = DiffusionModel.Load(TinyModel.Folder);
        var message = Assert.Throws<DiffSynthException>(() => model.Generate(TinyModel.Request with { Loras = [new(_folder["lora.safetensors"])] })).Message;
        Assert.Contains($"lora.safetensors' is one of {family}; the model is Stable Diffusion 1.x", message);
        Assert.DoesNotContain('\n', message);
    }
}
