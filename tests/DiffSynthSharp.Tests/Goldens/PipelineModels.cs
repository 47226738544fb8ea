using System.Collections.Concurrent;
using System.Text.Json;

namespace DiffSynthSharp.Tests.Goldens;

/// <summary>Writes the models of whole-model goldens as the files a user would have, once per model.</summary>
internal static class PipelineModels
{
    private static readonly ConcurrentDictionary<string, Lazy<string>> s_written = new();

    /// <summary>The folder that holds the files of a golden's model.</summary>
    public static string Folder(GoldenFolder golden, string model)
        => s_written.GetOrAdd($"{golden.Path}|{model}", _ => new(() => Write(golden, golden.Json.GetProperty("models").GetProperty(model).GetProperty("files")))).Value;

    /// <summary>The path of a file that a request names: one of the golden's own, or a table that is written out.</summary>
    public static string File(GoldenFolder golden, JsonElement content)
        => content.ValueKind == JsonValueKind.String ? golden.Resolve(content.GetString()!)
            : s_written.GetOrAdd($"{golden.Path}|{content.GetRawText()}", _ => new(() =>
            {
                var path = Path.Combine(NewFolder(), "model.safetensors");
                WriteFile(golden, path, content);
                return path;
            })).Value;

    /// <summary>The file of an adapter: one of the golden's own, or a synthetic one written to <paramref name="path"/>.</summary>
    public static string Adapter(GoldenFolder golden, JsonElement file, string path)
    {
        if (file.ValueKind == JsonValueKind.String) return golden.Resolve(file.GetString()!);
        WriteFile(golden, path, file);
        return path;
    }

    private static string NewFolder()
    {
        var folder = Directory.CreateTempSubdirectory("diffsynth-golden-").FullName;
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Directory.Delete(folder, recursive: true);
        return folder;
    }

    private static string Write(GoldenFolder golden, JsonElement files)
    {
        var folder = NewFolder();
        foreach (var file in files.EnumerateObject())
        {
            var path = Path.Combine(folder, file.Name);
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            WriteFile(golden, path, file.Value);
        }
        return folder;
    }

    private static void WriteFile(GoldenFolder golden, string path, JsonElement content)
    {
        if (content.TryGetProperty("copy", out var copy)) System.IO.File.Copy(golden.Resolve(copy.GetString()!), path);
        else if (content.TryGetProperty("json", out var json)) System.IO.File.WriteAllText(path, json.GetRawText());
        else if (content.TryGetProperty("text", out var text)) System.IO.File.WriteAllText(path, text.GetString());
        else
        {
            var table = content.GetProperty("table");
            var names = table.ValueKind == JsonValueKind.Array ? table.EnumerateArray().Select(name => name.GetString()!) : [table.GetString()!];
            var salt = content.TryGetProperty("salt", out var own) ? own.GetString()! : golden.Salt;
            SyntheticWeights.Write(path, salt, names.Select(name => Path.Combine(golden.Path, name)));
        }
    }
}
