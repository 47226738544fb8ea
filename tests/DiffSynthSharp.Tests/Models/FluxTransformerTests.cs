using DiffSynthSharp.Layers;
using DiffSynthSharp.Models.Transformers;
using DiffSynthSharp.Tests.Generation;
using DiffSynthSharp.Tests.Goldens;
using DiffSynthSharp.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace DiffSynthSharp.Tests.Models;

/// <summary>What the goldens of FLUX.1's transformer can't show. Counts this process's tensors, so nothing else may run beside it.</summary>
[Collection(nameof(LeakTests))]
public sealed class FluxTransformerTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();
    private readonly FluxTransformer _network;
    private readonly Tensor _latents;
    private readonly Tensor _text;
    private readonly Tensor _pooled;

    public FluxTransformerTests()
    {
        var golden = GoldenFolder.All().First(folder => folder.Name == "flux-transformer-dev").Cases().First();
        using var written = golden.WriteWeights("bfl");
        using var file = WeightFile.Open(written.Path);
        var weights = NetworkGolden.Component(file, FluxKeys.Prefixes, FluxKeys.For);
        var config = FluxConfig.Detect(weights.Shapes);
        _network = NetworkGolden.Fill(new FluxTransformer(config), weights);
        manual_seed(1);
        (_latents, _text, _pooled) = (randn(1, 16, 6, 4), randn(1, 5, config.ContextWidth), randn(1, config.PooledWidth));
    }

    public void Dispose()
    {
        _network.Dispose();
        _scope.Dispose();
    }

    [Fact]
    public void A_call_leaves_only_its_result_behind()
    {
        using var inference = no_grad();
        using var repeats = new BlockRepeats(_ => true);
        Velocity(repeats).Dispose();
        var tensors = Tensor.TotalCount;
        Velocity(repeats).Dispose();
        Velocity().Dispose();
        Assert.Equal(tensors, Tensor.TotalCount);
    }

    [Fact]
    public void A_job_stops_at_the_start_of_every_block_and_leaves_nothing_behind()
    {
        using var inference = no_grad();
        var borders = 0;
        using (BlockBorder.Observe(() => borders++)) Velocity().Dispose();
        Assert.Equal(_network.Config.DoubleBlocks + _network.Config.SingleBlocks + 1, borders);
        var tensors = Tensor.TotalCount;
        for (var border = 1; border <= borders; border++)
        {
            using var source = new CancellationTokenSource();
            using var stop = BlockBorder.StopWith(source.Token);
            var crossed = 0;
            using var counted = BlockBorder.Observe(() => { if (++crossed == border) source.Cancel(); });
            Assert.ThrowsAny<OperationCanceledException>(() => Velocity());
            Assert.Equal(tensors, Tensor.TotalCount);
        }
    }

    [Fact]
    public void Gradients_reach_the_latents_and_don_t_change_the_result()
    {
        using var plain = no_grad();
        var expected = Velocity();
        using var trained = enable_grad();
        var latents = _latents.clone().requires_grad_();
        var velocity = _network.Run(latents, ones(1) * 0.5f, _text, _pooled, ones(1) * 3.5f);
        GoldenAssert.Close("velocity", velocity, expected, 1e-6);
        velocity.square().sum().backward();
        Assert.True(latents.grad!.abs().sum().ToSingle() > 0);
    }

    [Fact]
    public void A_skipped_step_adds_what_the_last_computed_one_added()
    {
        using var inference = no_grad();
        var changes = new List<double>();
        using var repeats = new BlockRepeats(change => { changes.Add(change); return changes.Count == 1; });
        var computed = Velocity(repeats);
        var borders = 0;
        using (BlockBorder.Observe(() => borders++)) GoldenAssert.Close("velocity", Velocity(repeats), computed, 1e-6);
        Assert.Equal(1, borders);
        Assert.Equal([0, 0], changes);
    }

    [Fact]
    public void Latents_with_an_odd_side_are_refused_and_the_picture_s_sizes_named()
        => Assert.Contains("multiples of 16", Assert.Throws<DiffSynthException>(() => _network.Run(zeros(1, 16, 5, 4), ones(1), _text, _pooled, ones(1))).Message, StringComparison.Ordinal);

    [Fact]
    public void A_network_that_must_be_told_the_guidance_says_so()
        => Assert.Throws<ArgumentException>(() => _network.Run(_latents, ones(1), _text, _pooled, null));

    private Tensor Velocity(BlockRepeats? repeats = null)
    {
        using var scope = NewDisposeScope();
        return _network.Run(_latents, ones(1) * 0.5f, _text, _pooled, ones(1) * 3.5f, repeats).MoveToOuterDisposeScope();
    }
}
