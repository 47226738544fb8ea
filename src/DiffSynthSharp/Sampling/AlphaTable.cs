using static TorchSharp.torch;

namespace DiffSynthSharp.Sampling;

/// <summary>
/// The noise levels a network was trained on: ᾱ and σ = √((1−ᾱ)/ᾱ) for each timestep, in float32 as the references compute them.
/// </summary>
/// <remarks>huggingface/diffusers, schedulers/scheduling_ddim.py; crowsonkb/k-diffusion, external.py.</remarks>
internal sealed class AlphaTable
{
    /// <summary>σ where ᾱ is 0: the latents are noise to the last bit of float32, and everything stays finite.</summary>
    public const double PureNoise = 1e10;

    // Levels computed in float32 miss the lowest by about this share of the way to the next, to a side that depends on the processor.
    private const double SameLevel = 1e-4;

    private readonly double[] _logSigmas;

    private AlphaTable(Tensor alphas)
    {
        Alphas = [.. alphas.data<float>().ToArray().Select(alpha => (double)alpha)];
        using var sigmas = ((1 - alphas) / alphas).pow(0.5); // libtorch's power rounds otherwise than a square root
        Sigmas = [.. sigmas.data<float>().ToArray().Select(sigma => float.IsInfinity(sigma) ? PureNoise : sigma)];
        if (!Sigmas.Zip(Sigmas.Skip(1)).All(pair => pair.First > 0 && pair.First < pair.Second))
            throw new DiffSynthException("The schedule's betas give no rising noise levels; they must lie between 0 and 1.");
        _logSigmas = [.. Sigmas.Select(sigma => (double)(float)Math.Log(sigma))]; // whole timesteps are cut from what float32 makes of them
    }

    /// <summary>ᾱ of each timestep, falling.</summary>
    public IReadOnlyList<double> Alphas { get; }

    /// <summary>σ of each timestep, rising.</summary>
    public IReadOnlyList<double> Sigmas { get; }

    public int Count => Alphas.Count;

    public double SigmaMin => Sigmas[0];

    public double SigmaMax => Sigmas[^1];

    /// <summary>The levels, with timesteps interpolated in log σ as k-diffusion does.</summary>
    public LevelTable Levels => new(Sigmas, TimestepAt, SigmaAtLog);

    /// <param name="settings">The betas.</param>
    /// <param name="finite">Whether a terminal ᾱ of 0 becomes 2⁻²⁴, as samplers do that divide by it.</param>
    public static AlphaTable Of(SchedulerSettings settings, bool finite)
    {
        using var scope = NewDisposeScope();
        var betas = Betas(settings);
        if (settings.ZeroTerminalSnr) betas = WithZeroTerminalSnr(betas);
        var alphas = (1 - betas).cumprod(0);
        if (settings.ZeroTerminalSnr && finite) alphas[-1] = (float)Math.Pow(2, -24);
        return new AlphaTable(alphas);
    }

    /// <summary>σ at a fractional timestep, linear between the table's.</summary>
    public double SigmaAt(double timestep) => Interpolate(Sigmas, timestep);

    /// <summary>σ at a fractional timestep, linear in log σ between the table's.</summary>
    public double SigmaAtLog(double timestep) => Math.Exp(Interpolate(_logSigmas, timestep));

    /// <summary>The fractional timestep of a σ, linear in log σ between the table's.</summary>
    public double TimestepAt(double sigma)
    {
        if (Count == 1) return 0;
        var log = Math.Log(Math.Max(sigma, 1e-10));
        var low = Math.Clamp(Array.FindLastIndex(_logSigmas, known => log >= known), 0, Count - 2);
        var share = Math.Clamp((_logSigmas[low] - log) / (_logSigmas[low] - _logSigmas[low + 1]), 0, 1);
        if (low == 0 && share < SameLevel) return 0;
        return Math.Abs(share - Math.Round(share)) < 1e-9 ? low + Math.Round(share) : low + share;
    }

    private static double Interpolate(IReadOnlyList<double> table, double timestep)
    {
        var low = Math.Clamp((int)Math.Floor(timestep), 0, table.Count - 1);
        var high = Math.Min(low + 1, table.Count - 1);
        var share = Math.Clamp(timestep - low, 0, 1);
        return share == 0 ? table[low] : table[low] + (table[high] - table[low]) * share;
    }

    private static Tensor Betas(SchedulerSettings settings)
    {
        var (first, last, count) = (settings.BetaStart, settings.BetaEnd, settings.TrainSteps);
        if (settings.TrainedBetas is { } trained) return tensor(trained.Select(beta => (float)beta).ToArray());
        return settings.BetaCurve switch
        {
            BetaCurve.Linear => linspace(first, last, count, float32),
            BetaCurve.ScaledLinear => linspace(Math.Sqrt(first), Math.Sqrt(last), count, float32).square(),
            BetaCurve.SquaredCosine => Capped(count, t => Math.Pow(Math.Cos((t + 0.008) / 1.008 * Math.PI / 2), 2)),
            BetaCurve.Laplace => Capped(count, Laplace),
            _ => linspace(-6, 6, count, float32).sigmoid() * (last - first) + first,
        };
    }

    private static double Laplace(double t)
    {
        var logSnr = -0.5 * Math.CopySign(1, 0.5 - t) * Math.Log(1 - 2 * Math.Abs(0.5 - t) + 1e-6);
        return Math.Sqrt(Math.Exp(logSnr) / (1 + Math.Exp(logSnr)));
    }

    private static Tensor Capped(int count, Func<double, double> alpha)
        => tensor(Enumerable.Range(0, count)
            .Select(i => (float)Math.Min(1 - alpha((i + 1.0) / count) / alpha((double)i / count), 0.999)).ToArray());

    private static Tensor WithZeroTerminalSnr(Tensor betas)
    {
        var roots = (1 - betas).cumprod(0).sqrt();
        var alphas = ((roots - roots[-1]) * (roots[0] / (roots[0] - roots[-1]))).square();
        return 1 - cat([alphas[..1], alphas[1..] / alphas[..^1]]);
    }
}
