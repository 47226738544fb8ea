using System.CommandLine;
using DiffSynthSharp.Cli.Output;

namespace DiffSynthSharp.Cli.Commands;

/// <summary><c>diffsynth lora merge</c>: a model with LoRAs in its weights.</summary>
internal static class LoraMergeCommand
{
    private enum MergedType
    {
        AsStored,
        F16,
        F32,
        BF16,
    }

    public static Command Create(Terminal terminal)
    {
        var model = new Argument<string>("model") { Description = "A checkpoint (.safetensors, .ckpt, .pt, .bin) or a model folder." };
        var loras = new Argument<string[]>("lora") { Description = "A LoRA in any published layout, with its scale behind a colon (FILE[:SCALE]); 1 is as trained. Several add up.", Arity = ArgumentArity.OneOrMore };
        var output = new Option<string>("--output", "-o") { Description = "The .safetensors file to write, or a new folder when the model is a folder.", HelpName = "PATH", Required = true };
        var type = Values.Choice("--type", "TYPE", "f16, f32, bf16, or as-stored (the default): each tensor keeps its own.",
            ("f16", MergedType.F16), ("f32", MergedType.F32), ("bf16", MergedType.BF16), ("as-stored", MergedType.AsStored));
        var strict = Values.Flag("--strict", "A LoRA that does not fit the model in every tensor is an error.");
        var quiet = Values.Flag("--quiet", "Print errors only.", "-q");
        var json = Values.Flag("--json", "Print one line of JSON, with the ledger of each LoRA.");
        var command = new CommandWithExamples("merge", "Write a model with LoRAs in its weights. Tensors that no LoRA changes stay bit for bit.",
            "diffsynth lora merge v1-5-pruned-emaonly.safetensors style.safetensors:0.8 -o styled.safetensors",
            "diffsynth lora merge models/starter one.safetensors two.safetensors:-0.5 -o models/mine --type f16",
            "diffsynth lora merge model.ckpt style.safetensors -o styled.safetensors --strict --json")
        {
            model, loras, output, type, strict, quiet, json,
        };
        command.SetAction((parsed, cancellation) =>
        {
            var uses = parsed.GetRequiredValue(loras).Select(value => LoraOptions.Use("LoRA", value)).ToList();
            var options = new LoraMergeOptions { Type = TypeOf(parsed.GetValue(type)), IsStrict = parsed.GetValue(strict) };
            var isQuiet = parsed.GetValue(quiet) || parsed.GetValue(json);
            var report = new ProgressDisplay(terminal, isQuiet).Run(progress
                => LoraMerge.Merge(parsed.GetRequiredValue(model), uses, parsed.GetRequiredValue(output), options, progress, cancellation));
            if (parsed.GetValue(json)) JsonLines.Write(terminal.Out, report);
            else if (!isQuiet) Say(terminal, report);
            return Task.FromResult(0);
        });
        return command;
    }

    private static WeightType? TypeOf(MergedType? type) => type switch
    {
        MergedType.F16 => WeightType.F16,
        MergedType.F32 => WeightType.F32,
        MergedType.BF16 => WeightType.BF16,
        _ => null,
    };

    private static void Say(Terminal terminal, LoraMergeReport report)
    {
        if (report.LeftOut.Count > 0) terminal.Error.WriteLine($"{report.LeftOut.Count} files hold other copies of the weights and were left out, such as {report.LeftOut[0]}.");
        terminal.Error.WriteLine($"{report.Changed} tensors changed.");
        terminal.Out.WriteLine(report.Output);
    }
}
