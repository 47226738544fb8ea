using System.Text.Json;
using DiffSynthSharp.Imaging;
using DiffSynthSharp.Layers;
using DiffSynthSharp.Sampling;
using TorchSharp;
using static TorchSharp.torch;

namespace DiffSynthSharp.Tests.Goldens;

/// <summary>Every way of combining predictions, and the decision to leave a step out.</summary>
internal sealed class GuidanceRunner : IGoldenRunner
{
    public string Kind => "guidance";

    public void Run(GoldenCase @case)
    {
        if (@case.FilePath.EndsWith(".json", StringComparison.Ordinal))
        {
            ChangeGates(@case);
            return;
        }
        using var tensors = @case.Tensors();
        if (@case.Json.TryGetProperty("keys", out var keys))
            foreach (var key in keys.EnumerateArray()) Formula(@case, tensors, key);
        else Regional(@case, tensors);
    }

    private static void Formula(GoldenCase @case, GoldenTensors tensors, JsonElement key)
    {
        var name = key.GetProperty("key").GetString()!;
        double Number(string property) => key.GetProperty(property).GetDouble();
        var (cond, uncond, skip) = (tensors["in.cond"], tensors["in.uncond"], tensors["in.skip"]);
        var ours = string.Join('.', name.Split('.').Take(name.StartsWith("flux", StringComparison.Ordinal) ? 2 : 1)) switch
        {
            "cfg" => Guidance.ClassifierFree(cond, uncond, Number("w")),
            "cfg-original" => Guidance.ClassifierFree(cond, uncond, Number("w") + 1),
            "rescale" => Guidance.Rescale(Guidance.ClassifierFree(cond, uncond, Number("w")), cond, Number("rescale")),
            "apg" => Guidance.Projected(cond, uncond, cond - uncond, Number("guidance_scale"), Number("adaptive_projected_guidance_rescale"), Number("eta")),
            "apg-momentum" => Momentum(@case, tensors, name),
            "cfg-zero-star" => Guidance.ZeroStar(cond, uncond, Number("w")),
            "tcfg" => Guidance.Tangential(cond, uncond, Number("w")),
            "mambo" => Guidance.MagnitudeAware(cond, uncond, Number("w"), Number("alpha")),
            "slg" => Guidance.SkipLayers(cond, uncond, skip, Number("w"), Number("k")),
            "slg-only" => Guidance.SkipLayers(cond, null, skip, 1, Number("k")),
            "omnigen" => Guidance.ThreeBranches(cond, tensors["in.image_cond"], uncond, Number("cfg"), Number("image_cfg")),
            "cfg-plus-plus" => Guidance.PlusPlusStep(tensors["in.x"], cond, uncond, Number("w"), Number("sigma"), Number("sigma_next")),
            "flux.true-cfg" => tensors["in.x"] / 8 + Guidance.ClassifierFree(cond, uncond, Number("w")) * (Number("sigma_next") - Number("sigma")),
            "flux.embedded-guidance" => Embedded(tensors["in.guidance"], name.EndsWith("bf16", StringComparison.Ordinal) ? bfloat16 : float32),
            _ => throw new NotSupportedException($"No one checks '{name}'."),
        };
        var expected = tensors[$"out.{name}"];
        var tolerance = key.TryGetProperty("absolute_tolerance", out var absolute) ? absolute.GetDouble() / expected.abs().max().ToDouble() : @case.Tolerance;
        GoldenAssert.Close(name, ours, expected, tolerance);
    }

    // The second step's difference carries the first one's on.
    private static Tensor Momentum(GoldenCase @case, GoldenTensors tensors, string name)
    {
        var second = @case.Json.GetProperty("keys").EnumerateArray().Single(key => key.GetProperty("key").GetString() == "apg-momentum.1");
        double Number(string property) => second.GetProperty(property).GetDouble();
        var running = tensors["in.cond"] - tensors["in.uncond"];
        var (cond, uncond) = (tensors["in.cond"], tensors["in.uncond"]);
        if (name == "apg-momentum.1")
        {
            (cond, uncond) = (tensors["in.image_cond"], tensors["in.skip"]);
            running = cond - uncond + running * Number("momentum");
        }
        return Guidance.Projected(cond, uncond, running, Number("guidance_scale"), Number("threshold"), Number("eta"));
    }

    private static Tensor Embedded(Tensor guidance, ScalarType type) => TimestepEmbedding.Sinusoids((guidance.to(type) * 1000).to(float32), 256);

    private static void Regional(GoldenCase @case, GoldenTensors tensors)
    {
        double[] scales = [.. @case.Json.GetProperty("scales").EnumerateArray().Select(scale => scale.GetDouble())];
        var global = tensors["in.global"].shape;
        var weights = scales.Select((_, i) => LatentMask.Region(Picture.Of(ImageOpsRunner.Pixels(tensors[$"in.mask{i}"])), (int)global[2], (int)global[3], 10)).ToList();
        for (var i = 0; i < scales.Length; i++) GoldenAssert.Close($"weight{i}", weights[i], tensors[$"tap.weight{i}"], @case.Tolerance);
        var local = scales.Select((scale, i) => (tensors[$"in.local{i}"], weights[i] * scale));
        GoldenAssert.Close("merged", Guidance.Regional(tensors["in.global"], local), tensors["out.merged"], @case.Tolerance);
    }

    private static void ChangeGates(GoldenCase @case)
    {
        using var document = JsonDocument.Parse(File.ReadAllBytes(@case.FilePath));
        double[] Doubles(JsonElement list) => [.. list.EnumerateArray().Select(value => value.GetDouble())];
        var polynomial = Doubles(document.RootElement.GetProperty("polynomial_high_to_low"));
        foreach (var row in document.RootElement.GetProperty("rows").EnumerateArray())
        {
            var gate = new ChangeGate(row.GetProperty("threshold").GetDouble(), polynomial, row.GetProperty("steps").GetInt32());
            var steps = Doubles(row.GetProperty("relative_change")).Select(change => (Compute: gate.Computes(change), gate.Accumulated)).ToArray();
            Assert.Equal(row.GetProperty("compute").EnumerateArray().Select(value => value.GetBoolean()), steps.Select(step => step.Compute));
            Numbers.Close("accumulated", [.. steps[1..^1].Select(step => step.Accumulated)], Doubles(row.GetProperty("accumulated")), @case.Tolerance);
        }
    }
}
