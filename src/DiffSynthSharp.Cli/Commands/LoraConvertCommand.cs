using System.CommandLine;
using DiffSynthSharp.Cli.Output;

namespace DiffSynthSharp.Cli.Commands;

/// <summary><c>diffsynth lora convert</c>: an adapter file in another tool's layout.</summary>
internal static class LoraConvertCommand
{
    public static Command Create(Terminal terminal)
    {
        var file = new Argument<string>("file") { Description = "A LoRA in any published layout (kohya, LyCORIS, PEFT, diffusers, DiffSynth)." };
        var output = new Option<string>("--output", "-o") { Description = "The file to write; its name ends in .safetensors.", HelpName = "FILE", Required = true };
        var to = Values.Choice<LoraLayout>("--to", "LAYOUT", "kohya (alphas as tensors), peft (alphas in the header; what diffusers writes today), diffusers (what it wrote before) or diffsynth; the last two have no place for alphas, which are multiplied in.",
            ("kohya", LoraLayout.Kohya), ("peft", LoraLayout.Peft), ("diffusers", LoraLayout.Diffusers), ("diffsynth", LoraLayout.DiffSynth));
        to.Required = true;
        var type = Values.Choice<WeightType>("--type", "TYPE", "f16, f32 or bf16; without it each tensor keeps its own.", ("f16", WeightType.F16), ("f32", WeightType.F32), ("bf16", WeightType.BF16));
        var strict = Values.Flag("--strict", "Tensors that would be left out, and alphas that would have to be rounded, are errors.");
        var json = Values.Flag("--json", "Print one line of JSON.");
        var command = new CommandWithExamples("convert", "Write a LoRA in another tool's layout, with the same effect there.",
            "diffsynth lora convert style.safetensors -o style-peft.safetensors --to peft",
            "diffsynth lora convert trained.ckpt -o trained.safetensors --to kohya --type f16",
            "diffsynth lora convert style.safetensors -o style-diffsynth.safetensors --to diffsynth --type f32 --strict")
        {
            file, output, to, type, strict, json,
        };
        command.SetAction(parsed =>
        {
            var options = new LoraConversionOptions { Type = parsed.GetValue(type), IsStrict = parsed.GetValue(strict) };
            var report = LoraConversion.Convert(parsed.GetRequiredValue(file), parsed.GetRequiredValue(output), parsed.GetValue(to)!.Value, options);
            if (parsed.GetValue(json)) JsonLines.Write(terminal.Out, report);
            else
            {
                terminal.Error.WriteLine(report.Summary);
                terminal.Out.WriteLine(report.Output);
            }
            return 0;
        });
        return command;
    }
}
