using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;

#pragma warning disable MEAI001 // as in DiffSynthImageGenerator

namespace DiffSynthSharp;

/// <summary>Adds models on this machine to an application's services.</summary>
public static class ImageGeneratorServices
{
    /// <summary>Adds one <see cref="IImageGenerator"/> for the whole application; the model is loaded when the first picture is asked for.</summary>
    /// <param name="services">The application's services.</param>
    /// <param name="model">A checkpoint or a diffusers folder.</param>
    /// <param name="options">How it is loaded; null takes the defaults.</param>
    public static IServiceCollection AddDiffSynthImageGenerator(this IServiceCollection services, string model, LoadOptions? options = null)
        => services.AddSingleton<IImageGenerator>(_ => new DiffSynthImageGenerator(model, options));
}
