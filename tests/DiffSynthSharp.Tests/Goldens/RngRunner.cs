using System.Text.Json;
using DiffSynthSharp.Sampling;
using TorchSharp;
using static TorchSharp.torch;

namespace DiffSynthSharp.Tests.Goldens;

/// <summary>Random numbers: what a seed gives, alone, in sequence, per picture, and as a GPU would give it.</summary>
internal sealed class RngRunner : IGoldenRunner
{
    public string Kind => "rng";

    public void Run(GoldenCase @case)
    {
        if (@case.FilePath.EndsWith(".json", StringComparison.Ordinal)) Listed(@case);
        else Recorded(@case);
    }

    private static void Recorded(GoldenCase @case)
    {
        using var tensors = @case.Tensors();
        if (@case.Json.TryGetProperty("sequences", out var sequences)) Sequences(@case, tensors, sequences);
        else if (@case.Json.TryGetProperty("lists", out var lists)) Lists(@case, tensors, lists);
        else if (@case.Json.TryGetProperty("weights", out var weights)) Variation(@case, tensors, weights);
        else if (@case.Json.TryGetProperty("runs", out var runs)) BrownianTrees(@case, tensors, runs);
        else foreach (var name in tensors.Outputs) Single(@case, tensors, name);
    }

    // out.s<seed>.<what …>: a fresh generator for each.
    private static void Single(GoldenCase @case, GoldenTensors tensors, string name)
    {
        var parts = name["out.s".Length..].Split('.');
        var seed = Seed(parts[0]);
        if (@case.Json.TryGetProperty("formula", out _)) Philox(@case, tensors[name], name, seed, parts[1..]);
        else
        {
            using var generator = new Generator(seed, CPU);
            Close(name, Drawn(generator, parts[1..]), tensors[name], @case.Tolerance);
        }
    }

    private static Tensor Drawn(Generator generator, string[] what) => what switch
    {
        ["rand", var count] => rand([long.Parse(count)], float32, generator: generator),
        ["randperm", var count] => randperm(long.Parse(count), int64, generator: generator),
        ["randint", var range, var count] => Integers(generator, range, long.Parse(count)),
        ["F16", var count] => Rounded(generator, long.Parse(count), float16),
        ["BF16", var count] => Rounded(generator, long.Parse(count), bfloat16),
        [var shape] => randn([.. shape.Split('x').Select(long.Parse)], float32, generator: generator),
        _ => throw new NotSupportedException($"No one knows the draw '{string.Join('.', what)}'."),
    };

    // Half-precision noise is float32 noise rounded, but for the last 16 of an uneven count, which come from a draw of their own.
    // Released versions of libtorch differ in their half-precision draws, so noise is always drawn in float32.
    private static Tensor Rounded(Generator generator, long count, ScalarType type)
    {
        var even = count < 16 ? count : count - count % 16;
        var drawn = randn([even], float32, generator: generator);
        if (even < count) drawn = cat([drawn[..(int)(count - 16)], randn([16], float32, generator: generator)]);
        return drawn.to(type).to(float32);
    }

    private static Tensor Integers(Generator generator, string range, long count)
    {
        var middle = range.IndexOf('-', 1);
        return randint(long.Parse(range[..middle]), long.Parse(range[(middle + 1)..]), [count], int64, generator: generator);
    }

    private static void Philox(GoldenCase @case, Tensor expected, string name, ulong seed, string[] what)
    {
        if (what is ["words"])
        {
            var words = Enumerable.Range(0, (int)expected.shape[1]).Select(i => PhiloxNoise.Words(seed, 0, (uint)i)).ToArray();
            Close(name, tensor([.. words.Select(word => (long)word.First), .. words.Select(word => (long)word.Second)], expected.shape), expected, 0);
            return;
        }
        var offset = what[0] == "offset1" ? 1u : 0;
        var values = PhiloxNoise.Normal([.. what[offset].Split('x').Select(long.Parse)], seed, offset);
        var flat = values.flatten();
        Close(name, what[^1] switch
        {
            "first64" => flat[..64],
            "last64" => flat[^64..],
            "sums" => stack([flat.to(float64).sum(), flat.to(float64).square().sum()]).to(float32),
            _ => values,
        }, expected, what[^1] == "sums" ? 1e-3 * Math.Max(1, expected.abs().max().ToDouble()) : @case.Tolerance);
    }

    private static void Sequences(GoldenCase @case, GoldenTensors tensors, JsonElement sequences)
    {
        foreach (var sequence in sequences.EnumerateArray())
        {
            using var generator = new Generator(Seed(sequence.GetProperty("seed").GetString()!), CPU);
            foreach (var (call, i) in sequence.GetProperty("calls").EnumerateArray().Select((call, i) => (call, i)))
            {
                var name = $"out.{sequence.GetProperty("prefix").GetString()}.{i}";
                Close(name, Called(generator, [.. call.EnumerateArray()]), tensors[name], @case.Tolerance);
            }
        }
    }

    private static Tensor Called(Generator generator, JsonElement[] call) => call[0].GetString() switch
    {
        "randn" => randn([call[1].GetInt64()], float32, generator: generator),
        "rand" => rand([call[1].GetInt64()], float32, generator: generator),
        "randperm" => randperm(call[1].GetInt64(), int64, generator: generator),
        _ => randint(call[2].GetInt64(), call[3].GetInt64(), [call[1].GetInt64()], int64, generator: generator),
    };

    private static void Lists(GoldenCase @case, GoldenTensors tensors, JsonElement lists)
    {
        foreach (var (list, i) in lists.EnumerateArray().Select((list, i) => (list, i)))
        {
            long[] shape = [.. list.GetProperty("shape").EnumerateArray().Select(size => size.GetInt64())];
            long[] seeds = [.. list.GetProperty("seeds").EnumerateArray().Select(seed => unchecked((long)Seed(seed.GetString()!)))];
            using var source = new NoiseSource(seeds, shape.AsSpan(1));
            var name = $"out.{list.GetProperty("out").GetString()}";
            Close(name, source.Next(), tensors[name], @case.Tolerance);
            if (!tensors.Has($"out.single{i}")) continue;
            using var single = new Generator(unchecked((ulong)seeds[0]), CPU);
            Close($"out.single{i}", randn(shape, float32, generator: single), tensors[$"out.single{i}"], @case.Tolerance);
        }
    }

    private static void Variation(GoldenCase @case, GoldenTensors tensors, JsonElement weights)
    {
        foreach (var (weight, i) in weights.EnumerateArray().Select((weight, i) => (weight.GetDouble(), i)))
            Close($"out.w{i}", SeedVariation.Blend(tensors["in.noise"], tensors["in.subnoise"], weight), tensors[$"out.w{i}"], @case.Tolerance);
    }

    private static void BrownianTrees(GoldenCase @case, GoldenTensors tensors, JsonElement runs)
    {
        _ = tensors;
        _ = runs;
        Assert.Skip($"{@case.Name} is optional: our samplers draw independent noise for each step.");
    }

    private static void Listed(GoldenCase @case)
    {
        using var document = JsonDocument.Parse(File.ReadAllBytes(@case.FilePath));
        foreach (var row in document.RootElement.GetProperty("rows").EnumerateArray())
        {
            using var generator = new Generator(Seed(row.GetProperty("seed").GetString()!), CPU);
            if (row.TryGetProperty("values", out var values))
                Close("values", randn([row.GetProperty("n").GetInt64()], float64, generator: generator), Doubles(values), @case.Tolerance);
            else
                Large(@case, row, generator);
        }
    }

    private static void Large(GoldenCase @case, JsonElement row, Generator generator)
    {
        long[] shape = [.. row.GetProperty("shape").EnumerateArray().Select(size => size.GetInt64())];
        var ours = randn(shape, float32, generator: generator).flatten();
        void Part(string name, long from)
        {
            var expected = Doubles(row.GetProperty(name));
            Close(name, ours.narrow(0, from < 0 ? ours.numel() - expected.numel() : from, expected.numel()).to(float64), expected, @case.Tolerance);
        }
        Part("first", 0);
        Part("middle", row.GetProperty("middle_at").GetInt64());
        Part("last", -1);
        var allowed = @case.Json.GetProperty("sum_tolerance").GetDouble();
        Assert.Equal(row.GetProperty("sum").GetDouble(), ours.to(float64).sum().ToDouble(), allowed);
        Assert.Equal(row.GetProperty("sum_of_squares").GetDouble(), ours.to(float64).square().sum().ToDouble(), allowed);
    }

    private static Tensor Doubles(JsonElement values) => tensor(values.EnumerateArray().Select(value => value.GetDouble()).ToArray());

    private static ulong Seed(string text) => text.StartsWith('-') ? unchecked((ulong)long.Parse(text)) : ulong.Parse(text);

    // These tolerances are absolute.
    private static void Close(string what, Tensor ours, Tensor expected, double tolerance)
    {
        Assert.Equal(expected.shape, ours.shape);
        var error = (ours.to(float64) - expected.to(float64)).abs().max().ToDouble();
        Assert.True(error <= tolerance, $"{what}: max error {error:g4}, allowed {tolerance:g3}.");
    }
}
