using DiffSynthSharp.Families;
using DiffSynthSharp.Families.StableDiffusion;
using DiffSynthSharp.Layers;
using DiffSynthSharp.Models.Autoencoders;
using DiffSynthSharp.Models.TextEncoders;
using DiffSynthSharp.Models.Transformers;
using DiffSynthSharp.Models.UNets;
using DiffSynthSharp.Weights;
using static TorchSharp.torch;

namespace DiffSynthSharp.Benchmarking;

/// <summary>A tensor of a published file, and what stands in for its trained numbers.</summary>
/// <param name="Name">In the file.</param>
/// <param name="Shape">Its dimensions.</param>
/// <param name="Middle">Numbers are drawn around it.</param>
/// <param name="Spread">Their largest distance from it.</param>
internal sealed record PublishedTensor(string Name, long[] Shape, double Middle, double Spread)
{
    /// <summary>Whether it holds the whole numbers 0, 1, 2 … instead.</summary>
    public bool Counts { get; init; }
}

/// <summary>A network of a published file.</summary>
/// <param name="Prefix">What stands before its tensors' names.</param>
/// <param name="Create">Builds it on META.</param>
/// <param name="Keys">The layout of the names.</param>
internal sealed record PublishedNetwork(string Prefix, Func<nn.Module> Create, Func<IReadOnlyCollection<string>, KeyMap?> Keys)
{
    /// <summary>Tensors that the file holds beside the network's own and that are left out in loading, named without the prefix.</summary>
    public IReadOnlyList<PublishedTensor> Besides { get; init; } = [];

    /// <summary>Every tensor with its name in the file.</summary>
    public IReadOnlyList<PublishedTensor> Tensors()
    {
        using var network = Create();
        var own = network.named_modules().Where(module => module.module is Leaf).SelectMany(module => Own(module.name, (Leaf)module.module)).ToList();
        var keys = Keys([.. own.Select(tensor => tensor.Name)])!;
        return [.. own.Select(tensor => tensor with { Name = Prefix + keys.ToTheirs(tensor.Name) }), .. Besides.Select(tensor => tensor with { Name = Prefix + tensor.Name })];
    }

    private static IEnumerable<PublishedTensor> Own(string path, Leaf leaf)
    {
        foreach (var (name, parameter) in leaf.named_parameters(recurse: false))
        {
            var (middle, spread) = RandomWeights.RangeOf(leaf, name, parameter.shape);
            yield return new($"{path}.{name}", parameter.shape, middle, spread);
        }
    }
}

/// <summary>A published file: which networks it holds.</summary>
/// <param name="Name">What users call it.</param>
/// <param name="Networks">Its networks.</param>
internal sealed record PublishedArchitecture(string Name, params IReadOnlyList<PublishedNetwork> Networks)
{
    /// <summary>Every tensor of the file.</summary>
    public IReadOnlyList<PublishedTensor> Tensors() => [.. Networks.SelectMany(network => network.Tensors())];
}

/// <summary>The published files that can be made of random weights, each with the names and shapes of the original.</summary>
internal static class PublishedArchitectures
{
    private const string Denoiser = "model.diffusion_model.", FirstStage = "first_stage_model.";

    private static readonly T5Config s_t5 = new(32128, 4096, 10240, 24, 64, 64);

    private static readonly PublishedNetwork s_sd3Medium = Sd3(24, 1536, 192, isNormed: false, dual: 0), s_autoencoder16 = new(FirstStage, () => new AutoencoderKl(AutoencoderPart.Published), AutoencoderKeys.For),
        s_clipL = new("", () => new ClipTextEncoder(RandomStableDiffusion.PublishedText), ClipTextKeys.For),
        s_clipG = new("", () => new ClipTextEncoder(new(49408, 1280, 5120, 32, 20, QuickGelu: false, Projection: 1280)), ClipTextKeys.For),
        s_t5xxl = new("", () => new T5Encoder(s_t5), T5Keys.For) { Besides = [new("encoder.embed_tokens.weight", [s_t5.Vocabulary, s_t5.Width], 0, 1 / Math.Sqrt(s_t5.Width))] };

    private static readonly PublishedNetwork[] s_sd3MediumWithClips =
        [s_sd3Medium, s_autoencoder16, s_clipL with { Prefix = "text_encoders.clip_l.transformer." }, s_clipG with { Prefix = "text_encoders.clip_g.transformer." }];

    /// <summary>All of them.</summary>
    public static IReadOnlyList<PublishedArchitecture> All { get; } =
    [
        new("sd15",
            s_clipL with
            {
                Prefix = "cond_stage_model.transformer.",
                Besides = [new("text_model.embeddings.position_ids", [1, RandomStableDiffusion.PublishedText.Positions], 0, 0) { Counts = true }],
            },
            new PublishedNetwork(Denoiser, () => new UNet(RandomStableDiffusion.PublishedUNet), UNetKeys.For),
            new PublishedNetwork(FirstStage, () => new AutoencoderKl(RandomStableDiffusion.PublishedAutoencoder), AutoencoderKeys.For)),
        new("flux-dev", Flux(hasGuidance: true)),
        new("flux-schnell", Flux(hasGuidance: false)),
        new("flux-ae", s_autoencoder16 with { Prefix = "" }),
        new("sd3-medium", s_sd3Medium, s_autoencoder16),
        new("sd3-medium-clips", s_sd3MediumWithClips),
        new("sd3-medium-clips-t5", [.. s_sd3MediumWithClips, s_t5xxl with { Prefix = "text_encoders.t5xxl.transformer." }]),
        new("sd3.5-medium", Sd3(24, 1536, 384, isNormed: true, dual: 13), s_autoencoder16),
        new("sd3.5-large", Sd3(38, 2432, 192, isNormed: true, dual: 0), s_autoencoder16),
        new("clip-l", s_clipL),
        new("clip-g", s_clipG),
        new("t5xxl", s_t5xxl),
    ];

    private static PublishedNetwork Flux(bool hasGuidance) => new("", () => new FluxTransformer(new(64, 64, 3072, 128, 12288, 4096, 768, 256, 19, 38, hasGuidance)), FluxKeys.For);

    private static PublishedNetwork Sd3(int depth, long width, long side, bool isNormed, int dual)
        => new(Denoiser, () => new MmDit(new(16, 2, depth, width, 64, 4 * width, side, 4096, 2048, 256, isNormed, dual)), MmDitKeys.For);
}
