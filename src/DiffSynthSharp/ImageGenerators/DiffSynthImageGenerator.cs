using System.Globalization;
using DiffSynthSharp.Imaging;
using Microsoft.Extensions.AI;

// The interface may still change; what implements it changes with it.
#pragma warning disable MEAI001

namespace DiffSynthSharp;

/// <summary>A model on this machine behind the image generator of Microsoft.Extensions.AI.</summary>
/// <remarks>
/// Original images edit: the first is the picture to start from, a second one the mask, white where the picture is made anew. Properties of a request that the
/// interface has no place for are given in <see cref="ImageGenerationOptions.AdditionalProperties"/> (<c>negative</c>, <c>steps</c>, <c>guidance</c>, <c>seed</c>,
/// <c>strength</c>, <c>sampler</c>, <c>schedule</c>), or a whole <see cref="GenerationRequest"/> by <see cref="ImageGenerationOptions.RawRepresentationFactory"/>.
/// Pictures are PNG files that say what made them.
/// </remarks>
public sealed class DiffSynthImageGenerator : IImageGenerator
{
    private const string Png = "image/png";
    private const long MostSeeds = uint.MaxValue;

    private static readonly Dictionary<string, Func<GenerationRequest, object, GenerationRequest>> s_properties = new(StringComparer.OrdinalIgnoreCase)
    {
        ["negative"] = (request, value) => request with { Negative = Text(value) },
        ["steps"] = (request, value) => request with { Steps = Convert.ToInt32(value, CultureInfo.InvariantCulture) },
        ["guidance"] = (request, value) => request with { Guidance = Convert.ToDouble(value, CultureInfo.InvariantCulture) },
        ["seed"] = (request, value) => request with { Seeds = [Convert.ToInt64(value, CultureInfo.InvariantCulture)] },
        ["strength"] = (request, value) => WithStrength(request, Convert.ToDouble(value, CultureInfo.InvariantCulture)),
        ["sampler"] = (request, value) => request with { Sampler = Text(value) },
        ["schedule"] = (request, value) => request with { Schedule = Text(value) },
    };

    private readonly Lazy<Task<DiffusionModel>> _model;
    private DiffusionModel? _loaded;

    /// <summary>Loads the model when the first picture is asked for.</summary>
    /// <param name="model">A checkpoint or a diffusers folder.</param>
    /// <param name="options">How it is loaded; null takes the defaults.</param>
    public DiffSynthImageGenerator(string model, LoadOptions? options = null) => _model = new(async () => _loaded = await DiffusionModel.LoadAsync(model, options).ConfigureAwait(false));

    /// <inheritdoc/>
    /// <exception cref="DiffSynthException">The model can't be loaded, or the request doesn't fit it; the message says what to change.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled; the model stops at its next block.</exception>
    public async Task<ImageGenerationResponse> GenerateAsync(
        Microsoft.Extensions.AI.ImageGenerationRequest request, ImageGenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        if (options?.MediaType is { } type && type != Png) throw new DiffSynthException($"The media type '{type}' is not made here; expected {Png}.");
        var wanted = Wanted(request, options);
        var model = await _model.Value.WaitAsync(cancellationToken).ConfigureAwait(false);
        var pictures = await model.GenerateAllAsync(wanted, null, cancellationToken).ConfigureAwait(false);
        return new([.. pictures.Select(picture => new DataContent(picture.Picture.ToPng(), Png) { RawRepresentation = picture })]) { RawRepresentation = pictures };
    }

    /// <inheritdoc/>
    public object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        if (serviceKey is not null) return null;
        if (serviceType == typeof(ImageGeneratorMetadata)) return new ImageGeneratorMetadata("DiffSynthSharp");
        return serviceType.IsInstanceOfType(this) ? this : null;
    }

    /// <summary>Stops what runs and frees the model, if it was loaded.</summary>
    public void Dispose() => _loaded?.Dispose();

    private GenerationRequest Wanted(Microsoft.Extensions.AI.ImageGenerationRequest request, ImageGenerationOptions? options)
    {
        var wanted = options?.RawRepresentationFactory?.Invoke(this) switch
        {
            null => new GenerationRequest { Seeds = [Random.Shared.NextInt64(MostSeeds)] },
            GenerationRequest raw => raw,
            var other => throw new DiffSynthException($"The raw representation is a {other.GetType().Name}; expected a {nameof(GenerationRequest)}."),
        };
        if (request.Prompt is { } prompt) wanted = wanted with { Prompt = prompt };
        if (options?.ImageSize is { } size) wanted = wanted with { Width = size.Width, Height = size.Height };
        wanted = WithOriginals(wanted, [.. request.OriginalImages ?? []]);
        foreach (var (name, value) in options?.AdditionalProperties ?? [])
            wanted = s_properties.TryGetValue(name, out var set) && value is not null ? set(wanted, value)
                : throw new DiffSynthException($"The property '{name}' is unknown or empty. Known: {string.Join(", ", s_properties.Keys)}.");
        return options?.Count is { } count ? wanted with { Seeds = [.. Enumerable.Range(0, count).Select(k => wanted.Seeds[0] + k)] } : wanted;
    }

    private static GenerationRequest WithOriginals(GenerationRequest request, IReadOnlyList<AIContent> originals)
    {
        if (originals.Count == 0) return request;
        if (originals.Count > 2) throw new DiffSynthException($"{originals.Count} original images were given; expected a picture, and a mask if a part of it is to be made anew.");
        var picture = PictureOf(originals[0]);
        if (request is { Width: { } width, Height: { } height }) picture = picture.Resize(width, height);
        return request with { Init = new(picture), Mask = originals.Count == 2 ? new(PictureOf(originals[1])) : null };
    }

    private static Picture PictureOf(AIContent content) => content is DataContent data ? Picture.Load(data.Data)
        : throw new DiffSynthException($"An original image is a {content.GetType().Name}; expected its bytes as {nameof(DataContent)}.");

    private static GenerationRequest WithStrength(GenerationRequest request, double strength) => request.Init is { } init
        ? request with { Init = init with { Strength = strength } }
        : throw new DiffSynthException("The property 'strength' needs a picture to start from: give an original image.");

    private static string Text(object value) => Convert.ToString(value, CultureInfo.InvariantCulture)!;
}
