using System.CommandLine;
using System.Globalization;
using DiffSynthSharp.Cli.Output;
using Spectre.Console;

namespace DiffSynthSharp.Cli.Commands;

/// <summary><c>diffsynth lora inspect</c>: what an adapter file holds, and what of it fits a model.</summary>
internal static class LoraInspectCommand
{
    private const int NamesShown = 20;

    public static Command Create(Terminal terminal)
    {
        var file = new Argument<string>("file") { Description = "A LoRA in any published layout (kohya, LyCORIS, PEFT, diffusers, DiffSynth)." };
        var model = Values.Text("--model", "PATH", "Also say what of it fits this model: matched, unmatched, of another shape, without effect.", "-m");
        var json = Values.Flag("--json", "Print one JSON object with every module, every name and the header's notes.");
        var command = new CommandWithExamples(
            "inspect", "Say what a LoRA file holds: layout, family, kinds, ranks and alphas of its modules, training notes. Nothing is loaded.",
            "diffsynth lora inspect style.safetensors", "diffsynth lora inspect style.safetensors --model v1-5-pruned-emaonly.safetensors", "diffsynth lora inspect style.safetensors --json")
        {
            file, model, json,
        };
        command.SetAction(parsed =>
        {
            var path = parsed.GetRequiredValue(file);
            var lora = LoraInspector.Inspect(path);
            var ledger = parsed.GetValue(model) is { } other ? LoraInspector.Compare(path, other) : null;
            if (parsed.GetValue(json)) JsonLines.Write(terminal.Out, new { lora, ledger });
            else Write(terminal, lora, ledger);
            return 0;
        });
        return command;
    }

    private static void Write(Terminal terminal, LoraDescription lora, LoraLedger? ledger)
    {
        terminal.Out.WriteLine($"{lora.Path}: {lora.Layout.ToString().ToLowerInvariant()}, {(lora.LooksLike is { } family ? $"looks like one for {family}" : "nothing tells its family")}, {lora.Tensors} tensors, {lora.Bytes.ToString("N0", CultureInfo.InvariantCulture)} bytes");
        terminal.Page().Write(Modules(lora));
        Note(terminal, "title", lora.Notes.Title);
        Note(terminal, "trigger words", lora.Notes.TriggerWords.Count > 0 ? string.Join(", ", lora.Notes.TriggerWords) : null);
        Note(terminal, "base model", lora.Notes.BaseModel);
        Note(terminal, "architecture", lora.Notes.Architecture);
        Note(terminal, "comment", lora.Notes.Comment);
        Names(terminal, "belong to no adapter", lora.Strays);
        Names(terminal, "lack their partner", lora.IncompleteKeys);
        if (ledger is null) return;
        terminal.Out.WriteLine(ledger.Summary);
        Names(terminal, "match no layer", [.. ledger.UnmatchedKeys.Except(lora.Strays)]);
        Names(terminal, "are of another shape", [.. ledger.WrongShape.Select(mismatch => $"{mismatch.Module} (the layer {mismatch.Expected}, the adapter {mismatch.Found})")]);
        Names(terminal, "change nothing", ledger.ZeroEffect);
    }

    private static Table Modules(LoraDescription lora)
    {
        var table = new Table { Border = TableBorder.Simple };
        table.AddColumns("network", "kind", "modules", "rank", "alpha", "stored as");
        foreach (var group in lora.Modules.GroupBy(module => (module.Network, module.Kind)).OrderBy(group => group.Key))
            table.AddRow(Markup.Escape(group.Key.Network ?? "not named"), group.Key.Kind, group.Count().ToString(CultureInfo.InvariantCulture),
                Different(group.Select(module => module.Rank)), Different(group.Select(module => module.Alpha)), string.Join(", ", group.SelectMany(module => module.Types).Distinct()));
        return table;
    }

    private static string Different<T>(IEnumerable<T?> values)
        where T : struct, IFormattable
        => string.Join(", ", values.Distinct().Order().Select(value => value?.ToString(null, CultureInfo.InvariantCulture) ?? "none"));

    private static void Note(Terminal terminal, string name, string? text)
    {
        if (text is not null) terminal.Out.WriteLine($"{name}: {Shown(text)}");
    }

    private static void Names(Terminal terminal, string what, IReadOnlyList<string> names)
    {
        if (names.Count == 0) return;
        terminal.Out.WriteLine($"{names.Count} {what}:");
        foreach (var name in names.Take(NamesShown)) terminal.Out.WriteLine($"  {Shown(name)}");
        if (names.Count > NamesShown) terminal.Out.WriteLine($"  … and {names.Count - NamesShown} more (--json lists all)");
    }

    // Text of a file: it may hold anything, and must not steer the terminal.
    private static string Shown(string text) => string.Concat(text.Select(letter => char.IsControl(letter) || char.GetUnicodeCategory(letter) == UnicodeCategory.Format ? ' ' : letter));
}
