using System.CommandLine;

namespace DiffSynthSharp.Cli.Commands;

/// <summary><c>diffsynth lora</c>: what can be done with adapter files beside using them.</summary>
internal static class LoraCommand
{
    public static Command Create(Terminal terminal) => new("lora", "Look into LoRA files, write them in another tool's layout, merge them into a model.")
    {
        LoraInspectCommand.Create(terminal), LoraConvertCommand.Create(terminal), LoraMergeCommand.Create(terminal),
    };
}
