using DiffSynthSharp.Models.Autoencoders;
using DiffSynthSharp.Models.TextEncoders;
using DiffSynthSharp.Models.Transformers;
using DiffSynthSharp.Models.UNets;
using DiffSynthSharp.Weights;
using static TorchSharp.torch;

namespace DiffSynthSharp.Tests.Generation;

/// <summary>Single-file models of random weights, small but with matrices large enough to be kept as stored or streamed.</summary>
internal static class RandomModels
{
    private static readonly ClipTextConfig s_clipL = new(1000, 128, 512, 2, 2), s_clipG = new(1000, 192, 768, 3, 3, QuickGelu: false, Projection: 192);
    private static readonly T5Config s_t5 = new(1000, 384, 1024, 2, 6, 64);
    private static readonly AutoencoderConfig s_autoencoder = new([32, 64, 64, 64], 1, 16, MixesLatents: false);

    /// <summary>The tokenizers that go with them.</summary>
    public static string Tokenizers => Repository.Fixture("goldens/tokenizers-tiny");

    /// <summary>Writes a model.</summary>
    /// <param name="family">"flux", "sd3" or "sd15".</param>
    /// <param name="path">The file.</param>
    /// <param name="type">Of all tensors.</param>
    public static void Write(string family, string path, ScalarType type)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(5, CPU);
        var tensors = Networks(family).SelectMany(part => Tensors(part.Prefix, part.Network, generator, type)).ToList();
        SafetensorsWriter.Write(path, tensors);
    }

    private static IEnumerable<(string Prefix, nn.Module Network)> Networks(string family) => family switch
    {
        "flux" =>
        [
            ("model.diffusion_model.", new FluxTransformer(new(64, 64, 512, 128, 2048, 384, 128, 256, 2, 2, true))), ("vae.", new AutoencoderKl(s_autoencoder)),
            ("text_encoders.clip_l.transformer.", new ClipTextEncoder(s_clipL)), ("text_encoders.t5xxl.transformer.", new T5Encoder(s_t5)),
        ],
        "sd3" =>
        [
            ("model.diffusion_model.", new MmDit(new(16, 2, 3, 512, 64, 2048, 64, 384, 320, 256, true, 1))), ("first_stage_model.", new AutoencoderKl(s_autoencoder)),
            ("text_encoders.clip_l.transformer.", new ClipTextEncoder(s_clipL)), ("text_encoders.clip_g.transformer.", new ClipTextEncoder(s_clipG)),
            ("text_encoders.t5xxl.transformer.", new T5Encoder(s_t5)),
        ],
        "sd15" =>
        [
            ("model.diffusion_model.", new UNet(new(4, 4, [new(64, 1), new(128, 1), new(256, 0)], 2, 128))),
            ("first_stage_model.", new AutoencoderKl(new([32, 64, 64, 64], 1, 4))), ("cond_stage_model.transformer.", new ClipTextEncoder(s_clipL)),
        ],
        _ => throw new ArgumentException(family),
    };

    private static IEnumerable<(string, Tensor)> Tensors(string prefix, nn.Module network, Generator generator, ScalarType type)
    {
        using (network)
            foreach (var (name, parameter) in network.named_parameters().ToList())
            {
                var fanIn = parameter.shape.Skip(1).Aggregate(1L, (a, b) => a * b);
                var value = parameter.dim() > 1 ? (rand(parameter.shape, generator: generator) - 0.5) * (2 / Math.Sqrt(fanIn))
                    : name.EndsWith("bias", StringComparison.Ordinal) ? zeros(parameter.shape) : ones(parameter.shape);
                yield return (prefix + (name == "pos_embed.table" ? "pos_embed" : name), value.to(type));
            }
    }
}
