using System.CommandLine;
using System.Globalization;
using DiffSynthSharp.Cli.Output;

namespace DiffSynthSharp.Cli.Commands;

/// <summary><c>diffsynth models where</c>: the parts of a model, where they are, and where to get what is missing.</summary>
internal static class ModelsWhereCommand
{
    /// <summary>The exit code when something is missing that the model can't do without.</summary>
    public const int Incomplete = 1;

    public static Command Create(Terminal terminal)
    {
        var model = Values.Text("--model", "PATH", "A checkpoint or a model folder. Default: says of every family what its models are made of.", "-m");
        var (parts, json) = (new PartOptions(), Values.Flag("--json", "Print JSON: one object for the model, or one for each family."));
        var command = new CommandWithExamples(
            "where", "Say which parts a model is made of, where each was found or looked for, and what to download. Exit code: 0 complete, 1 something is missing, 2 a file can't be read.",
            "diffsynth models where", "diffsynth models where --model flux1-dev.safetensors --vae ae.safetensors")
        {
            model,
        };
        foreach (var option in parts.All) command.Options.Add(option);
        command.Options.Add(json);
        command.SetAction(parsed =>
        {
            var path = parsed.GetValue(model);
            var found = path is null ? ModelParts.OfFamilies() : [ModelParts.Of(path, parts.Of(parsed, new()))];
            foreach (var each in found)
                if (parsed.GetValue(json)) JsonLines.Write(terminal.Out, each);
                else Write(terminal.Out, each);
            return path is null || found[0].IsComplete ? 0 : Incomplete;
        });
        return command;
    }

    private static void Write(TextWriter to, ModelParts model)
    {
        to.WriteLine(model.Path is null ? $"{model.Family}:" : $"{model.Path}: {model.Summary}");
        if (model.Path is null) foreach (var download in model.Models) to.WriteLine($"  a model: {Words(download)}");
        foreach (var part in model.Parts)
        {
            to.WriteLine($"  {part.Name}{State(model, part)}");
            if (part.Found is not null) continue;
            foreach (var line in Looked(model, part)) to.WriteLine($"    {line}");
            foreach (var download in part.Downloads) to.WriteLine($"    download {Words(download)}");
            if (part.Pull is not null) to.WriteLine($"    or `diffsynth models pull {part.Pull}`");
        }
    }

    // Files that are looked for in the same folders share a line.
    private static IEnumerable<string> Looked(ModelParts model, NeededPart part)
    {
        var (own, others) = (part.LookedIn.Where(place => part.Pull is not null || place == model.Path || Directory.Exists(place)).ToList(), part.LookedIn.ToHashSet());
        if (own.Count > 0) yield return $"looked in {string.Join(", ", own)}";
        others.ExceptWith(own);
        foreach (var line in others.GroupBy(Path.GetFileName, Path.GetDirectoryName).GroupBy(file => string.Join(", ", file), file => file.Key))
            yield return $"looked for {string.Join(", ", line)} in {line.Key}";
    }

    private static string State(ModelParts model, NeededPart part)
    {
        var named = part.Option is null ? "" : $", {part.Option}";
        if (model.Path is null) return $"{(part.IsOptional ? ", optional" : "")}{named}";
        if (part.Found is null) return part.IsOptional ? $": not there, optional{named}" : $": missing{named}";
        var inside = string.IsNullOrEmpty(part.Prefix) ? "" : $" ({part.Prefix}*)";
        return $": {part.Found}{inside}{(part.Origin is null or "model" ? "" : $", {(part.Origin == "beside" ? "found beside the model" : $"named by {part.Origin}")}")}";
    }

    private static string Words(ModelDownload file)
        => $"{file.Name} from {file.Home.TrimEnd('/')}{(file.Bytes is { } bytes ? $", {bytes.ToString("N0", CultureInfo.InvariantCulture)} bytes" : "")}{(file.Sha256 is { } hash ? $", SHA-256 {hash}" : "")}";
}
