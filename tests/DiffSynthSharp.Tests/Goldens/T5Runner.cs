using DiffSynthSharp.Models.TextEncoders;
using DiffSynthSharp.Weights;
using static TorchSharp.torch;

namespace DiffSynthSharp.Tests.Goldens;

/// <summary>T5's encoder behind every published prefix, and its position buckets.</summary>
internal sealed class T5Runner : IGoldenRunner
{
    public string Kind => "t5-encoder";

    public void Run(GoldenCase @case)
    {
        using var tensors = @case.Tensors();
        if (tensors.Has("out.bucket")) CheckBuckets(tensors);
        else CheckStates(@case, tensors);
    }

    private static void CheckBuckets(GoldenTensors tensors)
    {
        var (distances, recorded) = (tensors["in.relative_position"].data<long>().ToArray(), tensors["out.bucket"].data<long>().ToArray());
        Assert.Equal(recorded, distances.Select(distance => T5Positions.Bucket(distance, buckets: 32, maxDistance: 128)));
    }

    private static void CheckStates(GoldenCase @case, GoldenTensors tensors)
    {
        using var written = @case.WriteWeights(@case.Text("layout")!);
        using var file = WeightFile.Open(written.Path);
        var weights = NetworkGolden.Component(file, T5Keys.Prefixes, T5Keys.For);
        var config = @case.Text("layout") == "diffusers" ? NetworkGolden.Config(@case.Folder.Config) : null;
        using var network = NetworkGolden.Fill(new T5Encoder(T5Config.Detect(weights, config)), weights);
        var reached = new List<Tensor>(); // freed with the network's scope, so a copy is kept outside of it
        var last = network.Encode(
            tensors["in.input_ids"], tensors.Has("in.attention_mask") ? tensors["in.attention_mask"] : null, states => reached.Add(states.clone().DetachFromDisposeScope()));
        foreach (var name in tensors.Outputs.Select(name => name["out.".Length..]))
        {
            var parts = name.Split('.');
            var states = parts[0] == "hidden" ? reached[int.Parse(parts[1])] : last;
            if (parts[^1] == "at") states = states.index_select(1, tensors["in.positions"]);
            GoldenAssert.Close(name, states, tensors[$"out.{name}"], @case.Tolerance);
        }
        foreach (var states in reached) states.Dispose();
    }
}
