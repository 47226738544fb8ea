using System.Text.Json;
using DiffSynthSharp.Imaging;
using DiffSynthSharp.Weights;
using static TorchSharp.torch;

namespace DiffSynthSharp.Tests.Goldens;

/// <summary>Builds a network from a golden's synthetic checkpoint, the way a user's file is loaded.</summary>
internal static class NetworkGolden
{
    /// <summary>The component behind the first prefix under which the layout is recognised.</summary>
    public static ComponentWeights Component(WeightFile file, IEnumerable<string> prefixes, Func<IReadOnlyCollection<string>, KeyMap?> map)
        => prefixes.Select(prefix => ComponentWeights.Find(file, prefix, map)).OfType<ComponentWeights>().First();

    /// <summary>A filled network.</summary>
    public static T Fill<T>(T network, ComponentWeights weights) where T : nn.Module
    {
        WeightLoader.Fill(network, weights, typeof(T).Name, CPU);
        return network;
    }

    /// <summary>A golden's description of a network as the <c>config.json</c> of a model folder.</summary>
    public static ConfigFile Config(JsonElement json)
    {
        using var file = new TemporaryFile(".json");
        File.WriteAllText(file.Path, json.GetRawText());
        return ConfigFile.TryRead(file.Path)!;
    }

    /// <summary>An annotator's picture, by the peak signal to noise ratio over its bytes.</summary>
    public static void CompareControlPicture(GoldenCase @case, GoldenTensors tensors, string annotator, string weightFile)
    {
        var (image, expected) = (tensors["in.image"], tensors["out.map"]);
        var picture = new Picture((int)image.shape[1], (int)image.shape[0], image.contiguous().data<byte>().ToArray());
        var control = AnnotatorNames.Run(annotator, picture, weightFile);
        Assert.Equal((expected.shape[1], expected.shape[0]), (control.Width, control.Height));
        var psnr = GoldenAssert.Psnr(tensor(control.Rgb.ToArray(), expected.shape, ScalarType.Byte), expected, 255);
        var least = @case.Json.GetProperty("psnr").GetDouble();
        Assert.True(psnr >= least, $"map: {psnr:0.0} dB, expected {least} or more.");
    }
}
