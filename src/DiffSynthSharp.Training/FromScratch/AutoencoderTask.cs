using DiffSynthSharp.Models.Autoencoders;
using DiffSynthSharp.Training.Drawings;
using TorchSharp;
using static TorchSharp.torch;

namespace DiffSynthSharp.Training.FromScratch;

/// <summary>The first stage: an autoencoder that gives drawings back.</summary>
/// <remarks>
/// Loss: 2 × squared error + 0.5 × absolute error + 0.5 × absolute error of neighbour differences + 1e-6 × KL; without a discriminator, which drawings
/// don't need.
/// </remarks>
internal sealed class AutoencoderTask
{
    private const double KullbackLeibler = 1e-6;
    private const int Batch = 16;

    public AutoencoderTask() => Network = new AutoencoderKl(Sizes);

    /// <summary>Narrow, with at least four channels in each norm group: a group of one channel divides away the colour of a picture.</summary>
    public static AutoencoderConfig Sizes { get; } = new([16, 32, 64, 128], 1, 4, NormGroups: 4);

    public AutoencoderKl Network { get; }

    /// <summary>Layers that end a residual branch begin at zero.</summary>
    public static IReadOnlyList<string> Zeroed { get; } = ["conv2", "attn_1.proj_out"];

    /// <summary>The loss of a step. Its drawings and noise are functions of the step's number.</summary>
    /// <param name="step">Counts from 0.</param>
    /// <param name="steps">All steps of the run; pieces grow from 64 pixels to whole drawings for the last tenth.</param>
    public Tensor Loss(long step, long steps)
    {
        using var scope = NewDisposeScope();
        var whole = step >= steps * 9 / 10;
        var count = whole ? Batch / 4 : Batch;
        var random = new Random(unchecked((int)(step * 7919 + 17)));
        using var generator = new Generator((ulong)(step + 1));
        var pictures = DrawingBatch.Crop(
            DrawingBatch.Paint([.. Enumerable.Range(0, count).Select(i => DrawingPlan.Of(step * Batch + i))]), whole ? Drawing.Side : 64, random);
        var posterior = Network.Encode(pictures);
        var noise = randn(posterior.Mean.shape, generator: generator);
        var rebuilt = Network.Decode(posterior.Sample(noise));
        var difference = rebuilt - pictures;
        var kl = 0.5 * (posterior.Mean.square() + posterior.LogVariance.exp() - 1 - posterior.LogVariance).mean();
        return (2 * difference.square().mean() + 0.5 * difference.abs().mean() + 0.5 * EdgeError(difference) + KullbackLeibler * kl).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// Gives each latent channel mean 0 and deviation 1 without changing what the network does: the 1×1 convolutions around the latents take
    /// the scale in and out again.
    /// </summary>
    /// <param name="network">A trained autoencoder.</param>
    /// <param name="mean">(C) of its latents</param>
    /// <param name="deviation">(C) of its latents</param>
    public static void Standardize(AutoencoderKl network, Tensor mean, Tensor deviation)
    {
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        var named = network.named_parameters().ToDictionary(parameter => parameter.name, parameter => (Tensor)parameter.parameter);
        var (into, shift) = (named["quant_conv.weight"], named["quant_conv.bias"]);
        var channels = mean.shape[0];
        into.narrow(0, 0, channels).div_(deviation.view(-1, 1, 1, 1));
        shift.narrow(0, 0, channels).sub_(mean).div_(deviation);
        shift.narrow(0, channels, channels).sub_(2 * deviation.log());
        var (back, offset) = (named["post_quant_conv.weight"], named["post_quant_conv.bias"]);
        offset.add_((back * mean.view(1, -1, 1, 1)).sum([1, 2, 3]));
        back.mul_(deviation.view(1, -1, 1, 1));
    }

    // How far neighbouring pixels differ otherwise than they should, in both directions.
    private static Tensor EdgeError(Tensor difference)
    {
        long height = difference.shape[2], width = difference.shape[3];
        var down = difference.narrow(2, 1, height - 1) - difference.narrow(2, 0, height - 1);
        var right = difference.narrow(3, 1, width - 1) - difference.narrow(3, 0, width - 1);
        return down.abs().mean() + right.abs().mean();
    }

    /// <summary>Peak signal to noise ratio over drawings that are never trained on, in dB.</summary>
    /// <param name="count">How many.</param>
    public (double Decibel, Tensor Grid) Evaluate(int count)
    {
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        var pictures = DrawingBatch.Paint([.. Enumerable.Range(0, count).Select(i => DrawingPlan.Of(HeldOut + i))]);
        var rebuilt = Network.forward(pictures).clamp(-1, 1);
        var error = ((rebuilt - pictures) / 2).square().mean().ToDouble();
        return (-10 * Math.Log10(error), cat([pictures, rebuilt]).MoveToOuterDisposeScope());
    }

    /// <summary>Drawings from this number on are never trained on.</summary>
    public const long HeldOut = 1L << 40;
}
