using System.Text.Json;

namespace DiffSynthSharp.Records.Programs;

/// <summary>What a ComfyUI graph of the usual nodes asks for.</summary>
/// <remarks>comfyanonymous/ComfyUI, nodes.py.</remarks>
internal sealed class ComfyReader
{
    private static readonly string[] s_outputs = ["SaveImage", "SaveImageWebsocket", "PreviewImage"];

    private readonly ForeignFields _fields = new([]);
    private readonly ComfyGraph _graph;

    private ComfyReader(ComfyGraph graph) => _graph = graph;

    /// <returns>Null when the graph has no sampler.</returns>
    public static ForeignRecord? Read(string json)
    {
        using var document = JsonDocument.Parse(json);
        if (document.RootElement.ValueKind != JsonValueKind.Object) return null;
        var graph = new ComfyGraph(document.RootElement);
        var end = s_outputs.Select(kind => graph.Nodes.FirstOrDefault(node => node.Kind == kind)).FirstOrDefault(node => node is not null);
        var nodes = end is null ? graph.Nodes : graph.Upstream(end);
        return nodes.FirstOrDefault(ComfyPasses.IsSampler) is { } last ? new ComfyReader(graph).Of(last) : null;
    }

    private ForeignRecord Of(ComfyNode last)
    {
        var passes = new ComfyPasses(_graph, _fields, last);
        var settings = passes.Settings(passes.First);
        var (model, prediction) = Model(passes.First);
        var (prompt, clipSkip) = Prompt(passes.First, "positive");
        var (negative, _) = Prompt(passes.First, "negative");
        if (prompt.Contains('(', StringComparison.Ordinal)) _fields.Say("Weights in the prompt: ComfyUI applies them in a way of its own, here A1111's is used.");
        if (passes.InitialPicture is { } initial) _fields.Say($"The initial picture '{ForeignFields.Shown(initial)}' is not in the text: name it with --init.");
        var request = new GenerationRequest
        {
            Prompt = WebUiReader.WithoutTags(prompt, _fields),
            Negative = negative.Length == 0 ? null : negative,
            LongPrompt = LongPrompt.Chunks,
            Steps = settings.Steps ?? 20,
            Guidance = settings.Guidance,
            Seeds = [settings.Seed ?? 0],
            Width = passes.Size?.Width,
            Height = passes.Size?.Height,
            Sampler = settings.Sampler,
            Schedule = settings.Schedule,
            Prediction = prediction,
            ClipSkip = clipSkip,
            HighRes = passes.HighRes(),
        };
        return new("ComfyUI", request) { Model = model, Strength = passes.InitialPicture is null ? null : settings.Strength, NotMapped = _fields.Finish() };
    }

    private (string? Name, string? Prediction) Model(ComfyNode sampler)
    {
        var prediction = (string?)null;
        foreach (var node in _graph.Chain(sampler, "model"))
            switch (node.Kind)
            {
                case "CheckpointLoaderSimple" or "CheckpointLoader":
                    return (_graph.Value(node, "ckpt_name"), prediction);
                case "UNETLoader":
                    return (_graph.Value(node, "unet_name"), prediction);
                case "LoraLoader" or "LoraLoaderModelOnly":
                    _fields.Say($"LoRA '{Shown(node, "lora_name")}' at {Shown(node, "strength_model")} (name its file with --lora)");
                    break;
                case "ModelSamplingDiscrete" when _graph.Value(node, "sampling") is "v_prediction" or "eps":
                    prediction = _graph.Value(node, "sampling") == "eps" ? "epsilon" : "v";
                    break;
                default:
                    Unknown(node);
                    break;
            }
        return (null, prediction);
    }

    private (string Text, int ClipSkip) Prompt(ComfyNode sampler, string input)
    {
        foreach (var node in _graph.Chain(sampler, input, "conditioning", "conditioning_1", "conditioning_to"))
            switch (node.Kind)
            {
                case "CLIPTextEncode":
                    return (_graph.Value(node, "text") ?? "", ClipSkip(node));
                case "ConditioningZeroOut":
                    return ("", 1);
                case "ControlNetApply" or "ControlNetApplyAdvanced":
                    var name = _graph.Link(node, "control_net") is { } net ? Shown(net, "control_net_name") : "?";
                    _fields.Say($"ControlNet '{name}' at {Shown(node, "strength")} (name its file with --control)");
                    break;
                default:
                    Unknown(node);
                    break;
            }
        return ("", 1);
    }

    // Counted from the end: −1 is the last layer.
    private int ClipSkip(ComfyNode node)
    {
        var set = _graph.Chain(node, "clip").FirstOrDefault(one => one.Kind == "CLIPSetLastLayer");
        return set is not null && _graph.Number(set, "stop_at_clip_layer") is >= -24 and <= -1 and var layer ? (int)-layer : 1;
    }

    private string Shown(ComfyNode node, string input) => ForeignFields.Shown(_graph.Value(node, input) ?? "?");

    private void Unknown(ComfyNode node) => _fields.Say($"node {ForeignFields.Shown(node.Id)}, {ForeignFields.Shown(node.Kind)}");
}
