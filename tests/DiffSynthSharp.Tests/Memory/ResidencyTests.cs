using DiffSynthSharp.Adapters.Lora.Deltas;
using DiffSynthSharp.Layers;
using DiffSynthSharp.Memory;
using DiffSynthSharp.Tests.Generation;
using DiffSynthSharp.Weights;
using static TorchSharp.torch;

namespace DiffSynthSharp.Tests.Memory;

[Collection(nameof(LeakTests))]
public sealed class ResidencyTests : IDisposable
{
    private const long Width = 512;
    private const int Count = 5;
    private const long Outputs = 70;
    private const long PanelBytes = sizeof(float) * Linear.PanelElements;

    private readonly TemporaryFile _file = new(".safetensors");
    private readonly Tensor _ids = tensor(new long[] { 3, 0, 511, 3 });

    public void Dispose()
    {
        _file.Dispose();
        _ids.Dispose();
    }

    private static MemoryPlan Plan(MemoryMode mode, long budget) => new(mode, mode == MemoryMode.Low ? budget : long.MaxValue, "");

    private ResidentNetwork<LayerStack> Load(MemoryMode mode, long budget = PanelBytes, long width = Width, int count = Count, long outputs = Outputs)
    {
        using var source = WeightSource.OpenFile(_file.Path);
        var weights = ComponentWeights.Find(source, "", _ => KeyMap.Identity())!;
        return new Residency(CPU, Plan(mode, budget)) { SmallNetworkBytes = 0 }.Load(new LayerStack(width, count, outputs), weights, "network");
    }

    private void Write(ScalarType type = ScalarType.BFloat16, bool isScaled = false, long width = Width, int count = Count, long outputs = Outputs)
    {
        using var network = new LayerStack(width, count, outputs);
        network.Write(_file.Path, type, isScaled);
    }

    private float[] Run(ResidentNetwork<LayerStack> resident)
    {
        using var inference = no_grad();
        using var output = resident.Network.forward(_ids);
        return output.data<float>().ToArray();
    }

    private float[] Run(MemoryMode mode, long outputs = Outputs)
    {
        using var resident = Load(mode, outputs: outputs);
        Run(resident);
        return Run(resident);
    }

    [Theory]
    [InlineData(ScalarType.Float32, false)]
    [InlineData(ScalarType.Float16, false)]
    [InlineData(ScalarType.BFloat16, false)]
    [InlineData((ScalarType)23, false)]
    [InlineData((ScalarType)24, false)]
    [InlineData((ScalarType)24, true)]
    public void Every_mode_computes_the_same_bits(ScalarType type, bool isScaled)
    {
        Write(type, isScaled);
        var converted = Run(MemoryMode.Full);
        Assert.Contains(converted, value => Math.Abs(value) > 1e-3);
        Assert.Equal(converted, Run(MemoryMode.Balanced));
        Assert.Equal(converted, Run(MemoryMode.Low));
    }

    [Fact]
    public void A_layer_of_several_panels_computes_the_same_bits_in_every_mode()
    {
        const long wide = Linear.PanelElements / Width + 100;
        Write(outputs: wide);
        var converted = Run(MemoryMode.Full, wide);
        Assert.Equal(converted, Run(MemoryMode.Balanced, wide));
        Assert.Equal(converted, Run(MemoryMode.Low, wide));
        using var resident = Load(MemoryMode.Full, outputs: wide);
        using var withGradient = resident.Network.forward(_ids);
        Assert.Equal(converted.Length, withGradient.numel());
    }

    [Fact]
    public void Adapters_work_on_streamed_layers()
    {
        Write();
        float[] Adapted(MemoryMode mode)
        {
            using var resident = Load(mode);
            using var onOutput = new LowRankDelta(full(4, Width, 0.01f), null, full(Width, 4, 0.02f), 1);
            using var onWeight = new FullDelta("weight", full(Width, Width, 0.001f), 1);
            resident.Network.First.Attach(onOutput);
            resident.Network.First.Attach(onWeight);
            using var change = resident.Network.First.ChangeOf("weight");
            Assert.Equal(0.0018f, change![0, 0].item<float>(), 1e-6f);
            return Run(resident);
        }
        Assert.Equal(Adapted(MemoryMode.Full), Adapted(MemoryMode.Low));
        Assert.NotEqual(Run(MemoryMode.Full), Adapted(MemoryMode.Low));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Every_weight_is_read_once_in_a_pass(bool isBackwards)
    {
        Write();
        using var source = WeightSource.OpenFile(_file.Path);
        var weights = ComponentWeights.Find(source, "", _ => KeyMap.Identity())!;
        using var resident = new Residency(CPU, Plan(MemoryMode.Low, PanelBytes)) { SmallNetworkBytes = 0 }.Load(new LayerStack(Width, Count, Outputs) { IsBackwards = isBackwards }, weights, "network");
        Run(resident);
        Assert.Equal(resident.StreamedBytes, resident.BytesRead);
    }

    [Fact]
    public void Running_and_releasing_leaves_no_tensor_behind()
    {
        Write();
        using var resident = Load(MemoryMode.Low);
        var expected = Run(resident);
        var tensors = Tensor.TotalCount;
        for (var i = 0; i < 3; i++) Assert.Equal(expected, Run(resident));
        Assert.Equal(tensors, Tensor.TotalCount);
        resident.Release();
        resident.Release();
        Assert.Equal(expected, Run(resident));
    }

    [Fact]
    public void A_cancelled_run_can_be_followed_by_another()
    {
        Write();
        using var resident = Load(MemoryMode.Low);
        var expected = Run(resident);
        using var source = new CancellationTokenSource();
        resident.Network.Observer = source.Cancel;
        using (BlockBorder.StopWith(source.Token)) Assert.Throws<OperationCanceledException>(() => Run(resident));
        resident.Network.Observer = null;
        Assert.Equal(expected, Run(resident));
    }

    [Fact]
    public void A_network_that_is_disposed_lets_go_of_its_file()
    {
        Write();
        var resident = Load(MemoryMode.Low);
        Run(resident);
        resident.Dispose();
        resident.Dispose();
        Assert.Throws<ObjectDisposedException>(() => resident.Network);
        if (OperatingSystem.IsLinux()) Assert.Equal(-1, MappedFile.ResidentBytes(_file.Path));
    }

    [Fact]
    public void A_file_that_lacks_a_tensor_is_let_go_of()
    {
        Write(count: Count - 1);
        Assert.Throws<DiffSynthException>(() => Load(MemoryMode.Low));
        if (OperatingSystem.IsLinux()) Assert.Equal(-1, MappedFile.ResidentBytes(_file.Path));
    }

    [Fact]
    public void The_budget_is_held_while_a_larger_network_runs()
    {
        if (!OperatingSystem.IsLinux()) return;
        const long width = 2048, layer = 2 * width * width, fileBudget = 60 << 20;
        Write(width: width, count: 24);
        using var resident = Load(MemoryMode.Low, PanelBytes + fileBudget + (1 << 20), width, count: 24);
        Assert.InRange(resident.StreamedBytes, 17 * layer, 22 * layer);
        var most = 0L;
        resident.Network.Observer = () => most = Math.Max(most, MappedFile.ResidentBytes(_file.Path));
        for (var pass = 1; pass <= 2; pass++)
        {
            var before = resident.BytesRead;
            Run(resident);
            if (pass > 1) Assert.InRange(resident.BytesRead - before, resident.StreamedBytes - layer, resident.StreamedBytes + layer);
        }
        Assert.InRange(most, layer, fileBudget);
        Assert.True(resident.Waited > TimeSpan.Zero);
        resident.Release();
        Assert.InRange(MappedFile.ResidentBytes(_file.Path), 0, 2 << 20);
    }
}
