using System.Text.Json;
using DiffSynthSharp.Imaging;
using DiffSynthSharp.Records;

namespace DiffSynthSharp.Tests.Goldens;

/// <summary>A1111's texts, read as its own parser reads them.</summary>
internal static class RecordedInfotexts
{
    public static void Check(string folder, IEnumerable<JsonElement> rows)
    {
        var wrong = new List<string>();
        foreach (var row in rows)
        {
            var text = row.GetProperty("text").GetString()!;
            var read = Infotext.Parse(text);
            var ours = read.Fields.ToDictionary(field => field.Key, field => field.Value);
            (ours["Prompt"], ours["Negative prompt"]) = (read.Prompt, read.Negative);
            foreach (var said in row.GetProperty("said").EnumerateObject())
                if (ours.GetValueOrDefault(said.Name) != said.Value.ToString()) wrong.Add($"{said.Name}: '{ours.GetValueOrDefault(said.Name)}', expected '{said.Value}'");
            if (row.TryGetProperty("png", out var png) && PictureTexts.Read(Path.Combine(folder, png.GetString()!)).GetValueOrDefault("parameters") != text)
                wrong.Add($"the text in {png}");
        }
        Assert.Empty(wrong);
    }
}
