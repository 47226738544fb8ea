using System.Text.Json;
using DiffSynthSharp.Adapters.ControlNets;
using DiffSynthSharp.Layers;
using DiffSynthSharp.Models.Control;
using DiffSynthSharp.Models.UNets;
using DiffSynthSharp.Weights;
using static TorchSharp.torch;

namespace DiffSynthSharp.Tests.Goldens;

/// <summary>Stable Diffusion 1.x's ControlNet: both layouts, scales, guess mode, pooling, tiles, several into the U-Net.</summary>
internal sealed class ControlNetRunner : IGoldenRunner
{
    public string Kind => "controlnet-sd15";

    public void Run(GoldenCase @case)
    {
        using var tensors = @case.Tensors();
        if (@case.Text("operation") == "unet-with-residuals") CompareUNet(@case, tensors);
        else CompareResiduals(@case, tensors);
    }

    private static void CompareResiduals(GoldenCase @case, GoldenTensors tensors)
    {
        var inputs = new Inputs(tensors);
        using var control = new LoadedControl(@case, @case.Json, tensors, "in.hint");
        TileGrid? tiles = @case.Json.TryGetProperty("tile_size", out var size) ? new(size.GetInt64(), @case.Json.GetProperty("tile_stride").GetInt64()) : null;
        var residuals = ActiveControl.Sum([control.Active], inputs.Sample, inputs.Timesteps, inputs.Context, tiles, false)!;
        for (var i = 0; i < residuals.Skips.Count; i++) GoldenAssert.Close($"residual.{i:00}", residuals.Skips[i], tensors[$"out.residual.{i:00}"], @case.Tolerance);
        GoldenAssert.Close("residual.mid", residuals.Middle, tensors["out.residual.mid"], @case.Tolerance);
        Assert.Equal(tensors.Outputs.Count(), residuals.Skips.Count + 1);
    }

    private static void CompareUNet(GoldenCase @case, GoldenTensors tensors)
    {
        var inputs = new Inputs(tensors);
        var controls = @case.Json.GetProperty("units").EnumerateArray().Select(unit => new LoadedControl(@case, unit, tensors, unit.GetProperty("hint").GetString()!)).ToList();
        using var written = @case.WriteWeights(@case.Text("unet_layout")!);
        using var file = WeightFile.Open(written.Path);
        var weights = NetworkGolden.Component(file, ["model.diffusion_model.", ""], UNetKeys.For);
        using var network = NetworkGolden.Fill(new UNet(WithPublished(UNetConfig.Detect(weights.Shapes), @case.Folder.Config.GetProperty("unet"))), weights);
        void Compare(string output, IReadOnlyList<LoadedControl> used)
        {
            var residuals = ActiveControl.Sum([.. used.Select(control => control.Active)], inputs.Sample, inputs.Timesteps, inputs.Context, null, false);
            GoldenAssert.Close(output, network.Run(inputs.Sample, inputs.Timesteps, inputs.Context, null, residuals), tensors[output], @case.Tolerance);
        }
        Compare("out.sample", controls);
        Compare("out.sample_only_a", controls[..1]);
        Compare("out.sample_without", []);
        controls.ForEach(control => control.Dispose());
    }

    private static UNetConfig WithPublished(UNetConfig config, JsonElement golden)
        => config with { Heads = golden.GetProperty("attention_head_dim").GetInt64(), NormGroups = golden.GetProperty("norm_num_groups").GetInt64() };

    private sealed class Inputs(GoldenTensors tensors)
    {
        public Tensor Sample { get; } = tensors["in.sample"];

        public Tensor Timesteps { get; } = tensors["in.timestep"].to(ScalarType.Float32).reshape(-1).expand(tensors["in.sample"].shape[0]);

        public Tensor Context { get; } = tensors["in.encoder_hidden_states"];
    }

    // As a user's folder: the weights, and the configuration beside them.
    private sealed class LoadedControl : IDisposable
    {
        private readonly TemporaryFolder _folder = new();

        public LoadedControl(GoldenCase @case, JsonElement unit, GoldenTensors tensors, string hintName)
        {
            using var written = @case.WriteWeights(unit.GetProperty("layout").GetString()!);
            File.Copy(written.Path, _folder["diffusion_pytorch_model.safetensors"]);
            File.WriteAllText(_folder["config.json"], Config(@case, unit));
            var isDiffSynth = unit.TryGetProperty("compatibility", out var compatibility) && compatibility.GetString() == "diffsynth";
            var hint = tensors[hintName];
            Active = new(
                ControlNetFile.Load(_folder.Path, CPU, keepDiffSynthBiases: isDiffSynth), (hint.dim() == 3 ? hint.unsqueeze(0) : hint).permute(0, 3, 1, 2),
                unit.TryGetProperty("conditioning_scale", out var scale) ? scale.GetDouble() : 1, unit.TryGetProperty("guess_mode", out var guess) && guess.GetBoolean());
        }

        public ActiveControl Active { get; }

        public void Dispose()
        {
            Active.Network.Dispose();
            _folder.Dispose();
        }

        private static string Config(GoldenCase @case, JsonElement unit)
        {
            var config = @case.Folder.Config.GetProperty("controlnet").EnumerateObject().ToDictionary(property => property.Name, property => (object?)property.Value);
            if (unit.TryGetProperty("global_pool_conditions", out var pooled)) config["global_pool_conditions"] = pooled;
            return JsonSerializer.Serialize(config);
        }
    }
}
