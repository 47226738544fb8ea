using DiffSynthSharp.Adapters.Lora;
using DiffSynthSharp.Layers;
using DiffSynthSharp.Models.TextEncoders;
using DiffSynthSharp.Models.UNets;
using DiffSynthSharp.Weights;
using static TorchSharp.torch;

namespace DiffSynthSharp.Tests.Goldens;

/// <summary>The U-Net and the text encoder of the LoRAs' golden.</summary>
internal sealed class LoraNetworks : IDisposable
{
    private readonly UNet _unet;
    private readonly ClipTextEncoder _text;

    public LoraNetworks(GoldenFolder golden)
    {
        var config = golden.Config;
        using var unetFile = golden.WriteWeights("unet-diffusers");
        using var textFile = golden.WriteWeights("text-encoder-diffusers");
        using var unetSource = WeightFile.Open(unetFile.Path);
        using var textSource = WeightFile.Open(textFile.Path);
        var unet = NetworkGolden.Component(unetSource, [""], UNetKeys.For);
        var text = NetworkGolden.Component(textSource, ClipTextKeys.Prefixes, ClipTextKeys.For);
        var (groups, heads) = (config.GetProperty("unet").GetProperty("norm_num_groups").GetInt64(), config.GetProperty("unet").GetProperty("attention_head_dim").GetInt64());
        _unet = NetworkGolden.Fill(new UNet(UNetConfig.Detect(unet.Shapes) with { Heads = heads, NormGroups = groups }), unet);
        _text = NetworkGolden.Fill(new ClipTextEncoder(ClipTextConfig.Detect(text.Shapes) with { Heads = config.GetProperty("text_encoder").GetProperty("num_attention_heads").GetInt64() }), text);
        Networks = [new("unet", _unet, UNetKeys.Diffusers(_unet.Config), UNetKeys.DiffSynth(_unet.Config)), new("text_encoder", _text, KeyMap.Identity())];
    }

    public IReadOnlyList<AdaptedNetwork> Networks { get; }

    /// <summary>The outputs that the case has inputs for.</summary>
    public Dictionary<string, Tensor> Run(GoldenTensors tensors)
    {
        var timesteps = tensors["in.timestep"].to(ScalarType.Float32).reshape(-1).expand(tensors["in.sample"].shape[0]);
        var outputs = new Dictionary<string, Tensor> { ["unet"] = _unet.forward(tensors["in.sample"], timesteps, tensors["in.encoder_hidden_states"]) };
        if (tensors.Has("in.input_ids")) outputs["text"] = _text.Norm(_text.forward(tensors["in.input_ids"]).Hidden[^1]);
        return outputs;
    }

    /// <summary>What all attached adapters together change of a layer's weight.</summary>
    /// <param name="canonical">diffusers' name of the layer.</param>
    public Tensor ChangeOf(string canonical)
    {
        foreach (var network in Networks)
            if (network.Diffusers.TryToOurs(canonical, out var ours) && network.Network.named_modules().Where(module => module.name == ours).Select(module => module.module).FirstOrDefault() is Leaf leaf)
                return leaf.ChangeOf("weight")!;
        throw new InvalidOperationException($"No layer '{canonical}'.");
    }

    /// <summary>What all attached adapters together change, by network, layer and parameter; nothing of layers that carry none.</summary>
    public Dictionary<string, Tensor> Changes()
    {
        var changes = new Dictionary<string, Tensor>();
        foreach (var network in Networks)
            foreach (var (name, module) in network.Network.named_modules())
                foreach (var parameter in (string[])["weight", "bias"])
                    if (module is Leaf leaf && leaf.ShapeOf(parameter) is not null && leaf.ChangeOf(parameter) is { } change) changes[$"{network.Kind}.{name}.{parameter}"] = change;
        return changes;
    }

    public void Dispose()
    {
        _unet.Dispose();
        _text.Dispose();
    }
}
