using static TorchSharp.torch;

namespace DiffSynthSharp.Sampling.Samplers;

/// <summary>Pseudo numerical methods: linear multistep on the network's outputs, begun by a corrected step or by three Runge-Kutta steps.</summary>
/// <param name="prediction">What is combined: the reference combines raw outputs, so velocities stay velocities.</param>
/// <param name="skipRungeKutta">Whether to begin with one corrected step (PLMS).</param>
/// <remarks>Liu et al. (2022); huggingface/diffusers, scheduling_pndm.py.</remarks>
internal sealed class Pndm(Prediction prediction, bool skipRungeKutta) : StepSampler
{
    private const int RungeKuttaSteps = 3;

    private readonly History _outputs = new(4);

    public override int Calls(Ladder ladder) => ladder.Steps + Math.Min(ladder.Steps - 1, skipRungeKutta ? 1 : RungeKuttaSteps) * (skipRungeKutta ? 1 : 3);

    protected override Tensor Step(Trajectory run, int i, Tensor x)
    {
        var (sigma, next) = (run.Ladder.Sigmas[i], run.Ladder.Landing(i));
        var output = _outputs.Push(Output(run, x, sigma));
        if (!skipRungeKutta && i < RungeKuttaSteps && i + 1 < run.Ladder.Steps) return RungeKutta(run, i, x, output);
        if (_outputs.Count > 1) return Move(x, sigma, next, Combined());
        if (i == run.Ladder.Steps - 1) return Move(x, sigma, next, output);
        var following = run.Ladder.Sigmas[i + 1];
        var ahead = Output(run, Retaken(Move(x, sigma, next, output), next, following), following);
        return Move(x, sigma, next, (output + ahead) / 2);
    }

    private Tensor Combined() => _outputs.Count switch
    {
        2 => (_outputs[0] * 3 - _outputs[1]) / 2,
        3 => (_outputs[0] * 23 - _outputs[1] * 16 + _outputs[2] * 5) / 12,
        _ => (_outputs[0] * 55 - _outputs[1] * 59 + _outputs[2] * 37 - _outputs[3] * 9) / 24,
    };

    private Tensor RungeKutta(Trajectory run, int i, Tensor x, Tensor first)
    {
        var (ladder, sigma, end) = (run.Ladder, run.Ladder.Sigmas[i], run.Ladder.Sigmas[i + 1]);
        var half = Math.Floor((ladder.Timesteps[i] - ladder.Timesteps[i + 1]) / 2);
        // The first half step stops short of where the reference takes it to be when the stride is odd.
        var (stop, middle) = (ladder.LevelOf(ladder.Timesteps[i] - half), ladder.LevelOf(ladder.Timesteps[i + 1] + half));
        var second = Output(run, Retaken(Move(x, sigma, stop, first), stop, middle), middle);
        var third = Output(run, Move(x, sigma, middle, second), middle);
        var fourth = Output(run, Move(x, sigma, end, third), end);
        return Move(x, sigma, end, (first + second * 2 + third * 2 + fourth) / 6);
    }

    private Tensor Output(Trajectory run, Tensor x, double sigma)
    {
        var denoised = run.Denoise(x, sigma);
        var epsilon = (x - denoised) / sigma;
        return prediction == Prediction.V ? (epsilon - denoised * sigma) * Scale(sigma) : epsilon;
    }

    private Tensor Move(Tensor x, double from, double to, Tensor output)
    {
        var epsilon = prediction == Prediction.V ? (output + x * (from * Scale(from))) * Scale(from) : output;
        return x + epsilon * (to - from);
    }

    // Latents of one level, taken as the network sees them for latents of another.
    private static Tensor Retaken(Tensor x, double from, double to) => from == to ? x : x * (Scale(from) / Scale(to));

    private static double Scale(double sigma) => 1 / Math.Sqrt(1 + sigma * sigma);
}
