using DiffSynthSharp.Sampling;
using static TorchSharp.torch;

namespace DiffSynthSharp.Tests.Goldens;

/// <summary>Whole trajectories of every sampler on an analytic network, step by step.</summary>
internal sealed class SamplerRunner : IGoldenRunner
{
    public string Kind => "samplers";

    public void Run(GoldenCase @case)
    {
        using var tensors = @case.Tensors();
        if (@case.Name.EndsWith("network", StringComparison.Ordinal)) Network(@case, tensors);
        else if (@case.Name.EndsWith("ds-functions", StringComparison.Ordinal)) DiffSynthFunctions.Check(@case, tensors);
        else if (tensors.Has("in.image")) FirstLatents(@case, tensors);
        else Trajectory(@case, tensors, RecordedSampler.Of(@case, tensors));
    }

    private static void Trajectory(GoldenCase @case, GoldenTensors tensors, RecordedSampler recorded)
    {
        using var noise = NoiseSource.Replay(tensors.Has("in.step_noise") ? tensors["in.step_noise"].unbind() : []);
        var seen = new List<(int Step, double Sigma, Tensor Latents, Tensor Denoised)>();
        DiffSynthSharp.Sampling.Trajectory? run = null;
        var denoiser = recorded.Denoiser();
        run = new DiffSynthSharp.Sampling.Trajectory(recorded.Ladder, (x, sigma, between) =>
        {
            var denoised = denoiser(x, sigma, between);
            var latents = recorded.InOwnScaling(x, sigma);
            seen.Add((run!.Index, sigma, latents.DetachFromDisposeScope(), denoised.clone().DetachFromDisposeScope()));
            return denoised;
        }, noise);
        var last = recorded.Sampler.Run(run, recorded.Start(tensors["in.noise"]));
        double[] sigmas = [.. seen.Select(evaluation => evaluation.Sigma)];
        if (recorded.OncePerStep) seen = [.. seen.DistinctBy(evaluation => evaluation.Step)];
        Tensor[] latents = [.. seen.Skip(1).Select(evaluation => evaluation.Latents), recorded.Finish(last)];
        Levels(@case, tensors, [.. sigmas.Select(recorded.Level)], recorded.FinalOnly);
        if (tensors.Has("out.latents")) Compare("latents", @case, recorded.FinalOnly ? [latents[^1]] : latents, tensors["out.latents"]);
        else Compare("denoised", @case, [.. seen.Select(evaluation => evaluation.Denoised)], tensors["tap.denoised"]);
        Assert.Equal(@case.Json.GetProperty("noise_used").GetInt32(), noise.Drawn);
        foreach (var evaluation in seen) evaluation.Latents.Dispose();
        foreach (var evaluation in seen) evaluation.Denoised.Dispose();
    }

    // Steps that follow the error multiply small differences, so there the whole list counts.
    private static void Levels(GoldenCase @case, GoldenTensors tensors, double[] levels, bool adaptive)
    {
        var name = tensors.Has("out.evaluated_sigmas") ? "out.evaluated_sigmas" : "out.sigmas";
        if (!tensors.Has(name)) return;
        if (adaptive) GoldenAssert.Close("sigmas", tensor(levels), tensors[name], @case.Tolerance);
        else Numbers.Close("sigmas", levels, tensors[name].to(float64).data<double>().ToArray(), 2e-5);
    }

    private static void Compare(string what, GoldenCase @case, Tensor[] ours, Tensor expected)
    {
        Assert.Equal(expected.shape[0], ours.Length);
        for (var i = 0; i < ours.Length; i++) GoldenAssert.Close($"{what} after evaluation {i + 1} of {ours.Length}", ours[i], expected[i], @case.Tolerance);
    }

    private static void Network(GoldenCase @case, GoldenTensors tensors)
    {
        double[] Values(string name) => [.. @case.Json.GetProperty(name).EnumerateArray().Select(value => value.GetDouble())];
        void Check(string name, string values, Func<Tensor, double, Tensor> ours)
        {
            foreach (var (value, i) in Values(values).Select((value, i) => (value, i)))
                GoldenAssert.Close($"{name} {i}", ours(tensors["in.z"], value), tensors[$"out.{name}.{i}"], @case.Tolerance);
        }
        Check("network", "tau", AnalyticNetwork.Output);
        Check("ve", "sigma", (z, sigma) => AnalyticNetwork.Denoised(z * sigma, sigma));
        Check("flow", "s", AnalyticNetwork.Velocity);
        Check("epsilon", "alpha_bar", (z, alpha) => AnalyticNetwork.Predict(z, Math.Sqrt((1 - alpha) / alpha), Prediction.Epsilon));
    }

    private static void FirstLatents(GoldenCase @case, GoldenTensors tensors)
    {
        var name = @case.FilePath.Replace("-image.safetensors", ".safetensors", StringComparison.Ordinal);
        var trajectory = @case.Folder.Cases().Single(other => other.FilePath == name);
        using var recorded = new GoldenTensors(name);
        var first = RecordedSampler.Of(trajectory, recorded).Noised(tensors["in.image"], recorded["in.noise"]);
        GoldenAssert.Close("first", first, tensors["out.first"], @case.Tolerance);
    }
}
