using DiffSynthSharp.Models.Transformers;
using DiffSynthSharp.Weights;
using static TorchSharp.torch;

namespace DiffSynthSharp.Tests.Goldens;

/// <summary>8-bit floats: all codes, rounding to them, and files that hold them raw and scaled.</summary>
internal sealed class FluxFloat8Runner : IGoldenRunner
{
    private const long NotANumber = 2;

    public string Kind => "flux-fp8";

    public void Run(GoldenCase @case)
    {
        using var tensors = @case.Tensors();
        if (@case.Text("layout") is { } layout) CompareWeights(@case, layout, tensors);
        else
        {
            CompareCodes("e4m3fn", StoredType.F8E4M3, tensors);
            CompareCodes("e5m2", StoredType.F8E5M2, tensors);
        }
    }

    private static void CompareCodes(string format, StoredType type, GoldenTensors tensors)
    {
        var (values, kinds) = (tensors[$"out.{format}.value"].data<float>().ToArray(), tensors[$"out.{format}.kind"].data<long>().ToArray());
        var region = ByteRegion.Copy([.. Enumerable.Range(0, 256).Select(code => (byte)code)]);
        using var rows = new Float8Rows(region, new TensorEntry("codes", type, [1, 256]), null);
        region.LetGo();
        var decoded = rows.Widened().data<float>().ToArray();
        for (var code = 0; code < 256; code++)
            if (kinds[code] == 0) Assert.Equal(values[code], decoded[code]);
            else Assert.True(kinds[code] == NotANumber ? float.IsNaN(decoded[code]) : float.IsInfinity(decoded[code]), $"{format} {code}: {decoded[code]}");
        var rounded = tensors[$"in.{format}.float"].to(type.Scalar());
        Assert.Equal(tensors[$"out.{format}.rounded"].data<long>().ToArray(), rounded.bytes.ToArray().Select(code => (long)code));
    }

    private static void CompareWeights(GoldenCase @case, string layout, GoldenTensors tensors)
    {
        using var written = @case.WriteWeights(layout);
        using var file = WeightFile.Open(written.Path);
        var weights = NetworkGolden.Component(file, FluxKeys.Prefixes, FluxKeys.For);
        foreach (var output in tensors.Outputs.Where(name => name.StartsWith("out.weight.", StringComparison.Ordinal)))
        {
            var name = output["out.weight.".Length..];
            using var stored = weights.Store(name, weights.Shapes[name]);
            GoldenAssert.Close(name, stored.Widen(ScalarType.Float32).flatten().narrow(0, 0, tensors[output].numel()), tensors[output], 1e-7);
        }
        StoredNetworks.CompareFlux(weights, tensors, @case.Tolerance);
    }
}
