using DiffSynthSharp.Adapters.Lora;
using DiffSynthSharp.Tests.Goldens;
using DiffSynthSharp.Weights;
using static TorchSharp.torch;

namespace DiffSynthSharp.Tests.Adapters;

public sealed class LoraConversionTests : IDisposable
{
    private static readonly GoldenFolder s_golden = GoldenFolder.All().First(folder => folder.Name == "lora-sd15");
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("kohya", LoraLayout.Peft, "peft")]
    [InlineData("kohya", LoraLayout.Diffusers, "diffusers-lora-linear-layer")]
    [InlineData("peft", LoraLayout.Kohya, "kohya")]
    [InlineData("peft", LoraLayout.Diffusers, "diffusers-lora-linear-layer")]
    [InlineData("diffusers-lora-linear-layer", LoraLayout.Kohya, "kohya")]
    [InlineData("diffusers-lora-linear-layer", LoraLayout.Peft, "peft")]
    [InlineData("peft-library", LoraLayout.DiffSynth, "diffsynth")]
    public void Names_and_shapes_are_those_that_the_other_tool_wrote(string from, LoraLayout to, string expected)
    {
        Convert(from, to);
        using var written = WeightFile.Open(Output);
        var table = SyntheticWeights.Table([s_golden.Table(expected)]);
        Assert.Equal(table.Select(row => $"{row.Name} {string.Join(',', row.Shape)}").Order(StringComparer.Ordinal),
            written.Entries.Values.Select(entry => $"{entry.Name} {string.Join(',', entry.Shape)}").Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("kohya", LoraLayout.Peft)]
    [InlineData("kohya-ldm-names", LoraLayout.Peft)]
    [InlineData("attn-procs", LoraLayout.Kohya)]
    [InlineData("diffusers-processor", LoraLayout.Kohya)]
    [InlineData("diffusers-lora-linear-layer", LoraLayout.Peft)]
    [InlineData("diffsynth", LoraLayout.Diffusers)]
    [InlineData("peft-dora", LoraLayout.Kohya)]
    public void Every_layer_that_is_named_is_one_of_the_model_and_of_its_shape(string from, LoraLayout to)
    {
        Convert(from, to);
        using var file = LoraFile.Open(Output);
        var layers = SyntheticWeights.Table([s_golden.Table("unet-diffusers"), s_golden.Table("text-encoder-diffusers")]).ToDictionary(row => row.Name, row => row.Shape);
        foreach (var module in file.Modules)
        {
            Assert.Equal(to, module.Layout);
            Assert.True(layers.TryGetValue($"{module.Canonical}.weight", out var shape), module.Canonical);
            Assert.Equal(shape, LoraShapes.TargetOf(module));
        }
    }

    [Theory]
    [InlineData("kohya", LoraLayout.Peft, null)]
    [InlineData("kohya", LoraLayout.Diffusers, WeightType.F32)]
    [InlineData("kohya-ldm-names", LoraLayout.Peft, null)]
    [InlineData("kohya-ldm-names", LoraLayout.Diffusers, WeightType.F32)]
    [InlineData("attn-procs", LoraLayout.Kohya, null)]
    [InlineData("attn-procs", LoraLayout.Peft, null)]
    [InlineData("attn-procs", LoraLayout.DiffSynth, null)]
    [InlineData("diffusers-processor", LoraLayout.Kohya, null)]
    [InlineData("diffusers-lora-linear-layer", LoraLayout.Peft, null)]
    [InlineData("peft", LoraLayout.Kohya, null)]
    [InlineData("peft-library", LoraLayout.DiffSynth, null)]
    [InlineData("peft-dora", LoraLayout.Kohya, null)]
    [InlineData("diffsynth", LoraLayout.Kohya, null)]
    [InlineData("diffsynth", LoraLayout.Peft, null)]
    [InlineData("diffsynth", LoraLayout.Diffusers, null)]
    [InlineData("loha", LoraLayout.Kohya, WeightType.F32)]
    public void The_converted_file_changes_the_same_weights_by_the_same(string from, LoraLayout to, WeightType? type)
    {
        using var scope = NewDisposeScope();
        using var source = s_golden.WriteWeights(from);
        var report = LoraConversion.Convert(source.Path, Output, to, new() { Type = type });
        Assert.Equal((0, 0), (report.Rounded, report.LeftOut.Count));
        using var networks = new LoraNetworks(s_golden);
        var (before, after) = (ChangesOf(networks, source.Path), ChangesOf(networks, Output));
        Assert.Equal(report.Modules, before.Count);
        Assert.Equal(before.Keys.Order(StringComparer.Ordinal), after.Keys.Order(StringComparer.Ordinal));
        foreach (var (name, change) in before) GoldenAssert.Close(name, after[name], change, 1e-6);
    }

    [Theory]
    [InlineData("kohya", LoraLayout.Peft, LoraLayout.Kohya)]
    [InlineData("peft-dora", LoraLayout.Kohya, LoraLayout.Peft)]
    [InlineData("diffsynth", LoraLayout.Kohya, LoraLayout.DiffSynth)]
    [InlineData("diffsynth", LoraLayout.Peft, LoraLayout.DiffSynth)]
    [InlineData("diffusers-lora-linear-layer", LoraLayout.Peft, LoraLayout.Diffusers)]
    [InlineData("diffusers-lora-linear-layer", LoraLayout.Kohya, LoraLayout.Diffusers)]
    [InlineData("peft", LoraLayout.Diffusers, LoraLayout.Peft)]
    public void There_and_back_is_the_same_file_bit_for_bit(string from, LoraLayout there, LoraLayout back)
    {
        using var source = s_golden.WriteWeights(from);
        LoraConversion.Convert(source.Path, _folder["there.safetensors"], there);
        LoraConversion.Convert(_folder["there.safetensors"], Output, back);
        AssertSameTensors(source.Path, Output);
    }

    [Fact]
    public void Alphas_and_notes_of_a_header_become_tensors_and_come_back()
    {
        var @case = s_golden.Cases().Single(@case => @case.Name == "case-peft-with-metadata");
        var notes = @case.Json.GetProperty("safetensors_metadata").EnumerateObject().ToDictionary(note => note.Name, note => note.Value.GetString()!);
        notes["ss_training_comment"] = "kept";
        notes["sshs_model_hash"] = "of the old bytes";
        using var table = s_golden.WriteWeights("peft");
        using var tensors = WeightFile.Open(table.Path);
        SafetensorsWriter.Write(_folder["peft.safetensors"], tensors.Entries.Values, entry => tensors.Read(entry.Name), notes);
        LoraConversion.Convert(_folder["peft.safetensors"], _folder["kohya.safetensors"], LoraLayout.Kohya);
        LoraConversion.Convert(_folder["kohya.safetensors"], Output, LoraLayout.Peft);
        AssertSameTensors(table.Path, Output);
        using var first = LoraFile.Open(_folder["peft.safetensors"]);
        using var kohya = LoraFile.Open(_folder["kohya.safetensors"]);
        using var last = LoraFile.Open(Output);
        Assert.Equal(first.Modules.Select(module => module.Alpha), kohya.Modules.Select(module => module.Alpha));
        Assert.Equal(first.Modules.Select(module => module.Alpha), last.Modules.Select(module => module.Alpha));
        Assert.True(first.Modules.Select(module => module.Alpha).Distinct().Count() > 2);
        Assert.DoesNotContain(PeftAlphas.Note, kohya.Metadata.Keys);
        Assert.Equal("kept", last.Metadata["ss_training_comment"]);
        Assert.DoesNotContain("sshs_model_hash", last.Metadata.Keys);
    }

    [Theory]
    [InlineData("loha", LoraLayout.Peft, "LoHa")]
    [InlineData("lokr", LoraLayout.Diffusers, "LoKr")]
    [InlineData("ia3", LoraLayout.DiffSynth, "IA³")]
    [InlineData("locon-tucker", LoraLayout.Peft, "Tucker core")]
    [InlineData("dora", LoraLayout.Peft, "lengths of columns")]
    [InlineData("peft-dora", LoraLayout.Diffusers, "--to peft or --to kohya")]
    [InlineData("kohya-ldm-names", LoraLayout.DiffSynth, "larger kernel")]
    [InlineData("diffusers-processor", LoraLayout.DiffSynth, "text encoder's")]
    public void What_a_layout_has_no_place_for_is_named(string from, LoraLayout to, string expected)
    {
        var error = Assert.Throws<DiffSynthException>(() => Convert(from, to));
        Assert.Contains("the module '", error.Message);
        Assert.Contains(expected, error.Message);
        Assert.False(File.Exists(Output));
    }

    [Fact]
    public void Tensors_of_no_adapter_are_said_and_refused_when_strict()
    {
        using var source = s_golden.WriteWeights("kohya-unmatched");
        var error = Assert.Throws<DiffSynthException>(() => LoraConversion.Convert(source.Path, Output, LoraLayout.Peft));
        Assert.Contains("is no layer of a U-Net or CLIP text encoder", error.Message);
        using var kohya = s_golden.WriteWeights("kohya");
        using (var file = WeightFile.Open(kohya.Path))
            SafetensorsWriter.Write(_folder["stray.safetensors"], [.. file.Entries.Values, new("stray", StoredType.F32, [1])], entry => entry.Name == "stray" ? zeros(1) : file.Read(entry.Name));
        var report = LoraConversion.Convert(_folder["stray.safetensors"], Output, LoraLayout.Peft);
        Assert.Equal(["stray"], report.LeftOut);
        Assert.Contains("such as 'stray'", report.Summary);
        error = Assert.Throws<DiffSynthException>(() => LoraConversion.Convert(_folder["stray.safetensors"], _folder["none.safetensors"], LoraLayout.Peft, new() { IsStrict = true }));
        Assert.Contains("'stray'", error.Message);
        Assert.False(File.Exists(_folder["none.safetensors"]));
    }

    [Fact]
    public void Folding_an_alpha_says_how_many_it_rounds_and_strict_refuses_that()
    {
        var report = Convert("kohya", LoraLayout.Diffusers);
        Assert.InRange(report.Rounded, 1, report.Folded);
        Assert.Contains($"{report.Folded} up factors, {report.Rounded} of them rounded", report.Summary);
        using var source = s_golden.WriteWeights("kohya");
        var error = Assert.Throws<DiffSynthException>(() => LoraConversion.Convert(source.Path, _folder["none.safetensors"], LoraLayout.Diffusers, new() { IsStrict = true }));
        Assert.Contains("without rounding", error.Message);
        Assert.Empty(Directory.GetFiles(_folder.Path, "none*"));
        LoraConversion.Convert(source.Path, Output, LoraLayout.Diffusers, new() { Type = WeightType.F32 });
        using var written = WeightFile.Open(Output);
        Assert.All(written.Entries.Values, entry => Assert.Equal(StoredType.F32, entry.Type));
    }

    [Theory]
    [InlineData("lora_unet_input_blocks_4_1_transformer_blocks_0_attn1_to_q", "unet.down_blocks.1.attentions.0.transformer_blocks.0.attn1.to_q")]
    [InlineData("lora_unet_output_blocks_2_2_conv", "unet.up_blocks.0.upsamplers.0.conv")]
    [InlineData("lora_unet_middle_block_1_proj_in", "unet.mid_block.attentions.0.proj_in")]
    [InlineData("lora_te1_text_model_encoder_layers_0_mlp_fc1", "text_encoder.text_model.encoder.layers.0.mlp.fc1")]
    [InlineData("lora_te2_text_model_encoder_layers_31_self_attn_out_proj", "text_encoder_2.text_model.encoder.layers.31.self_attn.out_proj")]
    public void Sdxl_has_names_of_its_own_in_kohyas_layout(string kohya, string dotted)
    {
        const string sign = "lora_te2_text_model_encoder_layers_0_mlp_fc1"; // a second text encoder
        SafetensorsWriter.Write(_folder["sdxl.safetensors"], new[] { kohya, sign }.SelectMany(name => new (string, Tensor)[] { ($"{name}.lora_down.weight", ones(2, 4)), ($"{name}.lora_up.weight", ones(4, 2)), ($"{name}.alpha", tensor(1f)) }));
        LoraConversion.Convert(_folder["sdxl.safetensors"], _folder["peft.safetensors"], LoraLayout.Peft);
        using (var peft = WeightFile.Open(_folder["peft.safetensors"])) Assert.Contains($"{dotted}.lora_A.weight", peft.Entries.Keys);
        LoraConversion.Convert(_folder["peft.safetensors"], Output, LoraLayout.Kohya);
        AssertSameTensors(_folder["sdxl.safetensors"], Output);
        Assert.Contains("SDXL", Assert.Throws<DiffSynthException>(() => LoraConversion.Convert(_folder["sdxl.safetensors"], Output, LoraLayout.DiffSynth)).Message);
    }

    [Fact]
    public void A_plain_module_beside_DoRAs_has_no_place_in_peft()
    {
        (string, Tensor)[] Module(string name) => [($"lora_unet_{name}.lora_down.weight", ones(2, 4)), ($"lora_unet_{name}.lora_up.weight", ones(4, 2))];
        const string decomposed = "mid_block_attentions_0_transformer_blocks_0_attn1_to_q";
        SafetensorsWriter.Write(_folder["mixed.safetensors"], [.. Module("mid_block_attentions_0_transformer_blocks_0_attn1_to_k"), .. Module(decomposed), ($"lora_unet_{decomposed}.dora_scale", ones(4, 1))]);
        var error = Assert.Throws<DiffSynthException>(() => LoraConversion.Convert(_folder["mixed.safetensors"], Output, LoraLayout.Peft));
        Assert.Contains("attn1.to_k' is a plain LoRA beside DoRAs", error.Message);
    }

    [Fact]
    public void Targets_that_would_do_harm_are_refused()
    {
        using var source = s_golden.WriteWeights("kohya");
        foreach (var (target, expected) in ((string, string)[])[(source.Path, "read at the same time"), (_folder["a.pt"], ".safetensors"), (_folder["none/a.safetensors"], "no folder")])
            Assert.Contains(expected, Assert.Throws<DiffSynthException>(() => LoraConversion.Convert(source.Path, target, LoraLayout.Peft)).Message);
    }

    [Fact]
    public void A_value_that_the_type_has_no_room_for_is_an_error()
    {
        SafetensorsWriter.Write(_folder["large.safetensors"], [("lora_unet_conv_in.lora_down.weight", full([1, 4, 3, 3], 1e6f)), ("lora_unet_conv_in.lora_up.weight", ones(32, 1, 1, 1)), ("lora_unet_conv_in.alpha", tensor(0.1))]);
        Assert.Contains("F16 has no room", Assert.Throws<DiffSynthException>(() => LoraConversion.Convert(_folder["large.safetensors"], Output, LoraLayout.Kohya, new() { Type = WeightType.F16 })).Message);
        LoraConversion.Convert(_folder["large.safetensors"], Output, LoraLayout.Kohya, new() { Type = WeightType.BF16 });
        using var written = WeightFile.Open(Output);
        Assert.Equal([StoredType.BF16, StoredType.BF16, StoredType.F32], written.Entries.Values.Select(entry => entry.Type).Order());
    }

    private string Output => _folder["output.safetensors"];

    private LoraConversionReport Convert(string from, LoraLayout to)
    {
        using var source = s_golden.WriteWeights(from);
        return LoraConversion.Convert(source.Path, Output, to);
    }

    private static Dictionary<string, Tensor> ChangesOf(LoraNetworks networks, string path)
    {
        using var file = LoraFile.Open(path);
        using var attached = LoraAttachment.Attach(networks.Networks, file, 1);
        Assert.True(attached.Ledger.IsComplete, attached.Ledger.Summary);
        return networks.Changes();
    }

    private static void AssertSameTensors(string expected, string actual)
    {
        using var scope = NewDisposeScope();
        using var one = WeightFile.Open(expected);
        using var other = WeightFile.Open(actual);
        Assert.Equal(one.Entries.Keys.Order(StringComparer.Ordinal), other.Entries.Keys.Order(StringComparer.Ordinal));
        foreach (var (name, entry) in one.Entries)
        {
            Assert.Equal((entry.Type, entry.ShapeText), (other.Entries[name].Type, other.Entries[name].ShapeText));
            Assert.True(one.Read(name).eq(other.Read(name)).all().item<bool>(), name);
        }
    }
}
