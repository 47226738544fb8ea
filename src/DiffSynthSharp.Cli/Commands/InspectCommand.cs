using System.CommandLine;
using System.Globalization;
using DiffSynthSharp.Cli.Output;
using Spectre.Console;

namespace DiffSynthSharp.Cli.Commands;

/// <summary><c>diffsynth inspect</c>: what a file or folder holds.</summary>
internal static class InspectCommand
{
    public static Command Create(Terminal terminal)
    {
        var path = new Argument<string>("model") { Description = "A checkpoint (.safetensors, .ckpt, .pt, .bin) or a model folder." };
        var tensors = Values.Flag("--tensors", "Also list every tensor: name, element type, shape.");
        var json = Values.Flag("--json", "Print one JSON object instead of tables.");
        var command = new CommandWithExamples(
            "inspect", "Say what a model file or folder holds: family, parts found and missing, element types, sizes. Reads headers only.",
            "diffsynth inspect v1-5-pruned-emaonly.safetensors", "diffsynth inspect models/starter --tensors", "diffsynth inspect model.ckpt --json")
        {
            path, tensors, json,
        };
        command.SetAction(parsed =>
        {
            var model = ModelInspector.Inspect(parsed.GetRequiredValue(path));
            if (parsed.GetValue(json)) WriteJson(terminal, model, parsed.GetValue(tensors));
            else WriteTables(terminal, model, parsed.GetValue(tensors));
            return 0;
        });
        return command;
    }

    private static void WriteJson(Terminal terminal, ModelDescription model, bool withTensors)
    {
        if (withTensors) JsonLines.Write(terminal.Out, model);
        else JsonLines.Write(terminal.Out, new { model.Path, model.Family, model.Summary, model.Parts, model.Missing, model.Scheduler });
    }

    private static void WriteTables(Terminal terminal, ModelDescription model, bool withTensors)
    {
        var page = terminal.Page();
        terminal.Out.WriteLine($"{model.Path}: {model.Summary}");
        var parts = new Table { Border = TableBorder.Simple };
        parts.AddColumns("part", "sizes", "stored as", "tensors", "parameters", "bytes", "from");
        foreach (var part in model.Parts)
        {
            var (tensors, parameters, bytes) = (Grouped(part.Tensors), Grouped(part.Parameters), Grouped(part.Bytes));
            parts.AddRow(Markup.Escape(part.Name), Markup.Escape(part.Sizes), Types(part), tensors, parameters, bytes, Markup.Escape(Origin(part)));
        }
        foreach (var missing in model.Missing) parts.AddRow(Markup.Escape(missing), "missing");
        page.Write(parts);
        if (model.Scheduler.Length > 0) page.WriteLine($"Schedule: {model.Scheduler}");
        foreach (var part in model.Parts.Where(part => part.Unknown.Count > 0))
            page.WriteLine($"{part.Name}: {part.Unknown.Count} tensors do not belong to it, such as {part.Unknown[0]}");
        if (!withTensors) return;
        foreach (var tensor in model.Tensors) terminal.Out.WriteLine($"{tensor.Name}\t{tensor.Type}\t{string.Join('x', tensor.Shape)}");
    }

    private static string Types(ModelPartDescription part)
        => part.TypeCounts.Count == 1 ? part.TypeCounts.Keys.First() : string.Join(", ", part.TypeCounts.Select(type => $"{type.Key} ×{Grouped(type.Value)}"));

    private static string Origin(ModelPartDescription part) => part.Prefix.Length == 0 ? part.Origin : $"{part.Origin} ({part.Prefix}*)";

    private static string Grouped(long number) => number.ToString("N0", CultureInfo.InvariantCulture);
}
