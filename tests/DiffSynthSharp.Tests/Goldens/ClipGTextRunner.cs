using DiffSynthSharp.Models.TextEncoders;
using static TorchSharp.torch;

namespace DiffSynthSharp.Tests.Goldens;

/// <summary>CLIP-G in OpenCLIP's layout and in transformers'.</summary>
internal sealed class ClipGTextRunner : IGoldenRunner
{
    public string Kind => "clip-text-encoder-with-projection";

    public void Run(GoldenCase @case)
    {
        if (@case.Text("layout_clip_l") is { } layout) CheckLongPrompt(@case, layout);
        else ClipTextRunner.Check(@case, ClipTextKeys.BigPrefixes);
    }

    // Rows of both encoders side by side, one behind the other; the pooled vector is the first row's.
    private static void CheckLongPrompt(GoldenCase @case, string layoutOfClipL)
    {
        using var clipG = ClipTextRunner.Load(@case, @case.Text("layout")!, ClipTextKeys.BigPrefixes);
        using var clipL = ClipTextRunner.Load(@case, layoutOfClipL, ClipTextKeys.Prefixes);
        using var tensors = @case.Tensors();
        var (second, first) = (clipG.forward(tensors["in.input_ids_2"]), clipL.forward(tensors["in.input_ids"]));
        var joined = cat([first.Hidden[^2], second.Hidden[^2]], -1);
        GoldenAssert.Close("prompt_embeds", joined.reshape(1, -1, joined.shape[2]), tensors["out.prompt_embeds"], @case.Tolerance);
        GoldenAssert.Close("pooled", clipG.Project(second.Pooled).narrow(0, 0, 1), tensors["out.pooled"], @case.Tolerance);
    }
}
