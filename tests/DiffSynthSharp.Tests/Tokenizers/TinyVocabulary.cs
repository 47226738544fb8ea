namespace DiffSynthSharp.Tests.Tokenizers;

/// <summary>A CLIP vocabulary of every byte and two merge rules, as files.</summary>
internal static class TinyVocabulary
{
    public const string Merges = "#version: 0.2\nc a\nca t</w>\n";

    public static string Json()
    {
        int[] codes = [.. Enumerable.Range('!', 94), .. Enumerable.Range(0xA1, 12), .. Enumerable.Range(0xAE, 82), .. Enumerable.Range(256, 68)];
        var letters = codes.Select(c => ((char)c).ToString()).ToList();
        string[] pieces = [.. letters, .. letters.Select(letter => letter + "</w>"), "ca", "cat</w>", "<|startoftext|>", "<|endoftext|>"];
        return System.Text.Json.JsonSerializer.Serialize(pieces.Select((piece, id) => (piece, id)).ToDictionary(pair => pair.piece, pair => pair.id));
    }

    public static void Write(string folder, string? vocabulary = null, string? merges = null)
    {
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, "vocab.json"), vocabulary ?? Json());
        File.WriteAllText(Path.Combine(folder, "merges.txt"), merges ?? Merges);
    }
}
