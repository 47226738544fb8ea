using System.Text.Json;
using DiffSynthSharp.Tokenizers;
using DiffSynthSharp.Tokenizers.Repair;

namespace DiffSynthSharp.Tests.Goldens;

/// <summary>Recorded ids of every prompt, and the rows they are cut into.</summary>
internal sealed class TokenizerRunner : IGoldenRunner
{
    // The recorded cut of DiffSynth's second SDXL tokenizer.
    private const int CutMergesBytes = 425_984;
    private const string CutMerges = "ids_cut_merges";

    public string Kind => "tokenizer";

    public void Run(GoldenCase @case)
    {
        var kind = @case.Text("kind");
        if (kind is not ("clip" or "t5" or "mt5")) Assert.Skip($"No runner yet for tokenizers of kind '{kind}'.");
        using var folder = new TemporaryFolder();
        if (!CopyFiles(@case, folder.Path)) Assert.Skip($"The published vocabulary is not beside this checkout ({@case.Text("tokenizer")}).");
        var prompts = Json(Path.Combine(@case.Folder.Path, @case.Folder.Config.GetProperty("prompts").GetString()!)).GetProperty("prompts")
            .EnumerateArray().ToDictionary(prompt => prompt.GetProperty("n").GetInt32());
        var problems = new List<string>();
        if (kind == "clip") CheckClip(Json(@case.FilePath), folder.Path, prompts, problems);
        else CheckT5(Json(@case.FilePath), folder, prompts, problems);
        Assert.True(problems.Count == 0, $"{problems.Count} rows differ:\n{string.Join('\n', problems.Take(20))}");
    }

    private static void CheckClip(JsonElement recorded, string folder, Dictionary<int, JsonElement> prompts, List<string> problems)
    {
        var tokenizer = ClipTokenizer.Load(folder);
        var special = recorded.GetProperty("special");
        int Special(string name) => special.GetProperty(name).GetInt32();
        Compare("special", [tokenizer.BeginId, tokenizer.EndId, tokenizer.PadId], [Special("bos"), Special("eos"), Special("pad")], problems);
        var rows = recorded.GetProperty("rows");
        var withCutMerges = rows.EnumerateArray().Any(row => row.TryGetProperty(CutMerges, out _)) ? LoadWithCutMerges(folder) : null;
        foreach (var row in rows.EnumerateArray())
        {
            var (name, prompt) = Prompt(row, prompts);
            CheckRow(name, prompt, row, tokenizer, problems);
            if (withCutMerges is null) continue;
            var expected = row.GetProperty(row.TryGetProperty(CutMerges, out _) ? CutMerges : "ids");
            Compare($"{name}, cut merges", Whole(withCutMerges, Text(prompt)), Ids(expected), problems);
        }
    }

    // Also from tokenizer.json alone, where the folder has one.
    private static void CheckT5(JsonElement recorded, TemporaryFolder folder, Dictionary<int, JsonElement> prompts, List<string> problems)
    {
        var tokenizers = new List<T5Tokenizer> { T5Tokenizer.Load(folder.Path) };
        if (File.Exists(folder["tokenizer.json"]))
        {
            File.Delete(folder["spiece.model"]);
            File.Delete(folder["tokenizer_config.json"]);
            tokenizers.Add(T5Tokenizer.Load(folder.Path));
        }
        var special = recorded.GetProperty("special");
        int Special(string name) => special.GetProperty(name).GetInt32();
        foreach (var tokenizer in tokenizers)
        {
            Compare("special", [tokenizer.EndId, tokenizer.PadId, tokenizer.UnknownId, tokenizer.VocabularySize],
                [Special("eos"), Special("pad"), Special("unk"), recorded.GetProperty("vocabulary").GetInt32()], problems);
            foreach (var row in recorded.GetProperty("rows").EnumerateArray())
            {
                var (name, prompt) = Prompt(row, prompts);
                var ids = Ids(row.GetProperty("ids"));
                Compare(name, [.. tokenizer.Encode(Text(prompt)), tokenizer.EndId], ids, problems);
                foreach (var length in recorded.GetProperty("lengths").EnumerateArray().Select(length => length.GetInt32()))
                    CheckT5Row($"{name}, {length}", tokenizer, Text(prompt), length, ids, row.GetProperty($"pad_{length}").GetInt32(), problems);
            }
        }
    }

    private static void CheckT5Row(string name, T5Tokenizer tokenizer, string text, int length, int[] ids, int padding, List<string> problems)
    {
        var row = tokenizer.Row(text, length);
        Compare(name, row.Ids, ids.Length <= length ? [.. ids, .. Enumerable.Repeat(tokenizer.PadId, padding)] : [.. ids[..(length - 1)], tokenizer.EndId], problems);
        if (row.CutTokens != Math.Max(0, ids.Length - length)) problems.Add($"{name}: {row.CutTokens} tokens cut, expected {Math.Max(0, ids.Length - length)}");
    }

    private static (string Name, JsonElement Prompt) Prompt(JsonElement row, Dictionary<int, JsonElement> prompts)
    {
        var prompt = prompts[row.GetProperty("n").GetInt32()];
        return ($"{prompt.GetProperty("n").GetInt32()} ({prompt.GetProperty("tag").GetString()})", prompt);
    }

    private static void CheckRow(string name, JsonElement prompt, JsonElement row, ClipTokenizer tokenizer, List<string> problems)
    {
        var text = Text(prompt);
        var repaired = TextRepair.Fix(text);
        if (prompt.TryGetProperty("ftfy", out var meant) && repaired != meant.GetString())
            problems.Add($"{name}: repaired as {JsonSerializer.Serialize(repaired)}");
        var ids = Ids(row.GetProperty("ids"));
        Compare(name, Whole(tokenizer, text), ids, problems);
        var padding = row.GetProperty("pad_77").GetInt32();
        int[] cut = ids.Length <= 77 ? [.. ids, .. Enumerable.Repeat(tokenizer.PadId, padding)] : [.. ids[..76], tokenizer.EndId];
        var one = tokenizer.OneRow(text);
        Compare($"{name}, one row", Assert.Single(one.Rows), cut, problems);
        if (one.CutTokens != Math.Max(0, ids.Length - 77)) problems.Add($"{name}: {one.CutTokens} tokens cut, expected {Math.Max(0, ids.Length - 77)}");
        var rows = tokenizer.Rows(text).Rows;
        var count = row.TryGetProperty("chunks", out var chunks) ? chunks.GetInt32() : 1;
        if (rows.Any(part => part.Length != 77)) problems.Add($"{name}: a row has not 77 tokens");
        Compare($"{name}, rows", [.. rows.SelectMany(part => part)], [.. ids, .. Enumerable.Repeat(tokenizer.PadId, 77 * count - ids.Length)], problems);
    }

    private static int[] Whole(ClipTokenizer tokenizer, string text) => [tokenizer.BeginId, .. tokenizer.Encode(text), tokenizer.EndId];

    private static string Text(JsonElement prompt) => prompt.GetProperty("text").GetString()!;

    private static int[] Ids(JsonElement list) => [.. list.EnumerateArray().Select(id => id.GetInt32())];

    private static void Compare(string name, int[] ours, int[] recorded, List<string> problems)
    {
        if (!ours.SequenceEqual(recorded)) problems.Add($"{name}: [{string.Join(' ', ours)}], recorded [{string.Join(' ', recorded)}]");
    }

    // "shared/tokenizers/clip", or "… with A.pad-zero.json and B.pad-zero.json": those files in place of A.json and B.json.
    private static bool CopyFiles(GoldenCase @case, string target)
    {
        var words = @case.Text("tokenizer")!.Split(' ');
        var relative = words[0].StartsWith("shared/", StringComparison.Ordinal) ? words[0]["shared/".Length..] : words[0];
        var sisters = Path.GetFullPath(Path.Combine(@case.Folder.Path, ".."));
        // What lies beside the golden goes first, whatever its folder is called; the published vocabularies are the same everywhere.
        string[] places = relative.StartsWith("goldens/", StringComparison.Ordinal)
            ? [Path.Combine(sisters, relative["goldens/".Length..])]
            : [Path.Combine(sisters, "..", relative), Path.Combine(Repository.Root, "..", "shared", relative)];
        var source = places.FirstOrDefault(Directory.Exists);
        if (source is null) return false;
        foreach (var file in Directory.EnumerateFiles(source)) File.Copy(file, Path.Combine(target, Path.GetFileName(file)));
        foreach (var variant in words.Where(word => word.EndsWith(".json", StringComparison.Ordinal)))
            File.Copy(Path.Combine(source, variant), Path.Combine(target, variant.Split('.')[0] + ".json"), overwrite: true);
        return true;
    }

    private static ClipTokenizer LoadWithCutMerges(string source)
    {
        using var folder = new TemporaryFolder();
        foreach (var file in Directory.EnumerateFiles(source)) File.Copy(file, Path.Combine(folder.Path, Path.GetFileName(file)));
        File.WriteAllBytes(folder["merges.txt"], File.ReadAllBytes(Path.Combine(source, "merges.txt"))[..CutMergesBytes]);
        return ClipTokenizer.Load(folder.Path);
    }

    private static JsonElement Json(string path)
    {
        using var document = JsonDocument.Parse(File.ReadAllBytes(path));
        return document.RootElement.Clone();
    }
}
