using DiffSynthSharp.Models.Control;

namespace DiffSynthSharp.Generation;

/// <summary>A ControlNet in a pass, and the steps in which it works.</summary>
/// <param name="Control">The network with its condition.</param>
/// <param name="Start">Where in the steps it begins, 0 … 1.</param>
/// <param name="End">Where in the steps it ends, 0 … 1.</param>
/// <param name="Steps">Steps of the pass.</param>
/// <remarks>huggingface/diffusers, pipeline_controlnet.py (<c>controlnet_keep</c>): a step counts when it lies wholly inside.</remarks>
internal sealed record ScheduledControl(ActiveControl Control, double Start, double End, int Steps)
{
    /// <summary>Whether it works in a step.</summary>
    /// <param name="step">From 0.</param>
    public bool IsActive(int step) => (double)step / Steps >= Start && (double)(step + 1) / Steps <= End;
}
