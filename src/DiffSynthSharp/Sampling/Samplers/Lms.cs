using static TorchSharp.torch;

namespace DiffSynthSharp.Sampling.Samplers;

/// <summary>Linear multistep (Adams-Bashforth on uneven levels): integrates a polynomial through the last directions.</summary>
/// <remarks>crowsonkb/k-diffusion, sampling.py, sample_lms.</remarks>
internal sealed class Lms(int order) : StepSampler
{
    // Gauss-Legendre with four nodes integrates polynomials up to degree 7 exactly.
    private static readonly (double Node, double Weight)[] s_quadrature =
    [
        (0.8611363115940526, 0.3478548451374538), (0.3399810435848563, 0.6521451548625461),
        (-0.3399810435848563, 0.6521451548625461), (-0.8611363115940526, 0.3478548451374538),
    ];

    private readonly History _derivatives = new(order);

    protected override Tensor Step(Trajectory run, int i, Tensor x)
    {
        var sigmas = run.Ladder.Sigmas;
        _derivatives.Push((x - run.Denoise(x, sigmas[i])) / sigmas[i]);
        for (var j = 0; j < _derivatives.Count; j++) x += _derivatives[j] * Coefficient(sigmas, i, j, _derivatives.Count);
        return x;
    }

    // The integral over the step of the Lagrange polynomial that is 1 at level i − j and 0 at the other levels.
    private static double Coefficient(IReadOnlyList<double> sigmas, int i, int j, int order)
    {
        var (center, half) = ((sigmas[i + 1] + sigmas[i]) / 2, (sigmas[i + 1] - sigmas[i]) / 2);
        return half * s_quadrature.Sum(point =>
        {
            var value = point.Weight;
            for (var k = 0; k < order; k++)
                if (k != j) value *= (center + half * point.Node - sigmas[i - k]) / (sigmas[i - j] - sigmas[i - k]);
            return value;
        });
    }
}
