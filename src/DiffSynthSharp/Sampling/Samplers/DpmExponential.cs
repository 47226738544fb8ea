using static TorchSharp.torch;

namespace DiffSynthSharp.Sampling.Samplers;

/// <summary>DPM-Solver steps of order 1 to 3 on noise predictions, from any level to any lower one.</summary>
/// <remarks>Lu et al. (2022a); crowsonkb/k-diffusion, sampling.py, DPMSolver. t = −log σ.</remarks>
internal sealed class DpmExponential(Trajectory run, Tensor x, double from)
{
    private readonly Tensor _epsilon = Epsilon(run, x, from);
    private readonly Dictionary<double, Tensor> _known = [];

    public Tensor First(double to) => x - _epsilon * (to * double.ExpM1(Math.Log(from / to)));

    public Tensor Second(double to, double r = 0.5)
    {
        var h = Math.Log(from / to);
        var inner = Inner(r, h) - _epsilon;
        return x - _epsilon * (to * double.ExpM1(h)) - inner * (to / (2 * r) * double.ExpM1(h));
    }

    public Tensor Third(double to)
    {
        const double R1 = 1.0 / 3, R2 = 2.0 / 3;
        var h = Math.Log(from / to);
        var near = Inner(R1, h) - _epsilon;
        var middle = from * Math.Exp(-R2 * h);
        var grown = double.ExpM1(R2 * h);
        var guess = x - _epsilon * (middle * grown) - near * (middle * (R2 / R1) * (grown / (R2 * h) - 1));
        var far = Epsilon(run, guess, middle) - _epsilon;
        return x - _epsilon * (to * double.ExpM1(h)) - far * (to / R2 * (double.ExpM1(h) / h - 1));
    }

    // Second and third order share the evaluation at a third of the way.
    private Tensor Inner(double r, double h)
    {
        if (_known.TryGetValue(r, out var known)) return known;
        var level = from * Math.Exp(-r * h);
        return _known[r] = Epsilon(run, x - _epsilon * (level * double.ExpM1(r * h)), level);
    }

    private static Tensor Epsilon(Trajectory run, Tensor x, double sigma) => (x - run.Denoise(x, sigma)) / sigma;
}
