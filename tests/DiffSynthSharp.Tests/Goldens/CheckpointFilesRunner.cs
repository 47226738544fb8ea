using System.Text.Json;
using System.Text.RegularExpressions;
using DiffSynthSharp.Weights;
using static TorchSharp.torch;

namespace DiffSynthSharp.Tests.Goldens;

/// <summary>Real checkpoint files: some to read exactly, many to refuse for the right reason, quickly and with little memory.</summary>
internal sealed partial class CheckpointFilesRunner : IGoldenRunner
{
    private static readonly HashSet<string> s_idle =
        ["that", "than", "with", "from", "were", "which", "before", "named", "message", "nothing", "instead", "first", "here", "there"];

    public string Kind => "checkpoint-files";

    public void Run(GoldenCase @case)
    {
        switch (@case.Text("operation"))
        {
            case "read": Read(@case); break;
            case "refuse": Refuse(@case); break;
            case "harmless": ReadAll(@case.FilePath); break;
            case var other: throw new NotSupportedException($"The golden has an operation '{other}' that no one checks.");
        }
    }

    private static void Read(GoldenCase @case)
    {
        using var values = new GoldenTensors(Path.Combine(@case.Folder.Path, @case.Text("values")!));
        using var file = WeightFile.Open(@case.FilePath);
        var unwrap = @case.Text("unwrap");
        var expected = @case.Json.GetProperty("tensors").EnumerateArray()
            .Select(row => (Row: row, Parts: row.GetProperty("path").EnumerateArray().Select(part => part.GetString()!).ToArray()))
            .Where(item => unwrap is null || item.Parts[0] == unwrap)
            .ToDictionary(item => string.Join('/', unwrap is null ? item.Parts : item.Parts[1..]),
                item => (item.Row, Recorded: $"out.{string.Join('/', item.Parts)}"));
        Assert.Equal(expected.Keys.Order(StringComparer.Ordinal), file.Entries.Keys.Order(StringComparer.Ordinal));
        foreach (var (name, (row, recorded)) in expected) Compare(file, name, row, values[recorded]);
    }

    private static void Compare(WeightFile file, string name, JsonElement row, Tensor recorded)
    {
        var shape = row.GetProperty("shape").EnumerateArray().Select(side => side.GetInt64()).ToArray();
        Assert.Equal(Type(row.GetProperty("dtype").GetString()!), file.Entries[name].Type);
        Assert.Equal(shape, file.Entries[name].Shape);
        var ours = file.Read(name);
        Assert.Equal(shape, ours.shape);
        Assert.True(ours.is_contiguous(), $"'{name}' is not contiguous.");
        var widened = ours.to(recorded.dtype);
        var same = widened.eq(recorded).logical_or(widened.ne(widened).logical_and(recorded.ne(recorded)));
        Assert.True(same.all().item<bool>(), $"'{name}' has other values.");
    }

    private static StoredType Type(string name) => name switch
    {
        "float8_e4m3fn" => StoredType.F8E4M3,
        "float8_e5m2" => StoredType.F8E5M2,
        "bfloat16" => StoredType.BF16,
        "bool" => StoredType.Bool,
        _ => Enum.Parse<StoredType>(name.Replace("uint", "U").Replace("int", "I").Replace("float", "F")),
    };

    private static void Refuse(GoldenCase @case)
    {
        var about = @case.Text("error_about")!;
        var before = GC.GetAllocatedBytesForCurrentThread();
        var error = Assert.Throws<DiffSynthException>(() => ReadAll(@case.FilePath));
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.DoesNotContain('\n', error.Message);
        Assert.True(SpeaksAbout(error.Message.Replace(@case.FilePath, ""), about), $"Should speak about {about}, says: {error.Message}");
        Assert.InRange(allocated, 0, (1 << 20) + 64 * new FileInfo(@case.FilePath).Length);
    }

    private static void ReadAll(string path)
    {
        using var scope = NewDisposeScope();
        using var file = WeightFile.Open(path);
        foreach (var name in file.Entries.Keys) file.Read(name);
    }

    /// <summary>A dotted name must be there whole; of one of the alternatives' other words at least half, by their beginnings.</summary>
    private static bool SpeaksAbout(string message, string about)
    {
        var matter = Parenthesis().Replace(about, "").Split(';', ':')[0];
        return matter.Split(" or ").Append(matter).Any(alternative =>
        {
            var words = Word().Matches(alternative).Select(match => match.Value).ToList();
            var plain = words.Where(word => word.Length >= 4 && !word.Contains('.') && !s_idle.Contains(word)).ToList();
            return words.Where(word => word.Contains('.')).All(name => message.Contains(name, StringComparison.Ordinal))
                && plain.Count(word => message.Contains(word[..Math.Min(5, word.Length)], StringComparison.OrdinalIgnoreCase)) * 2 >= plain.Count;
        });
    }

    [GeneratedRegex(@"\([^)]*\)")]
    private static partial Regex Parenthesis();

    [GeneratedRegex(@"[\w-]+(\.[\w-]+)*")]
    private static partial Regex Word();
}
