using System.Globalization;
using System.Text;
using DiffSynthSharp.Weights;
using static TorchSharp.torch;

namespace DiffSynthSharp.Tests.Goldens;

/// <summary>Checkpoints whose every value is a function of the tensor's name and index; the formula stands in the goldens' README.</summary>
internal static class SyntheticWeights
{
    /// <summary>One row of a weights table.</summary>
    internal sealed record Row(string Name, ScalarType Type, long[] Shape, double Scale, double Offset, string SameAs);

    /// <summary>Rows of one or more tables; a later table's row replaces the row of the same name.</summary>
    public static IReadOnlyList<Row> Table(IEnumerable<string> paths)
    {
        var rows = new Dictionary<string, Row>(StringComparer.Ordinal);
        foreach (var path in paths)
        {
            var lines = File.ReadAllLines(path);
            var columns = lines[0].Split('\t');
            foreach (var line in lines.Skip(1).Where(line => line.Length > 0))
            {
                var cells = line.Split('\t');
                string Cell(string column) => Array.IndexOf(columns, column) is var at && at >= 0 && at < cells.Length ? cells[at] : "";
                rows[Cell("name")] = new(Cell("name"), TypeOf(Cell("dtype")), Cell("shape").Length == 0 ? [] : [.. Cell("shape").Split(',').Select(long.Parse)],
                    double.Parse(Cell("scale"), CultureInfo.InvariantCulture), double.Parse(Cell("offset"), CultureInfo.InvariantCulture), Cell("same_as"));
            }
        }
        return [.. rows.Values];
    }

    /// <summary>Writes the checkpoint of the tables as a safetensors file.</summary>
    public static void Write(string path, string salt, IEnumerable<string> tables)
    {
        using var scope = NewDisposeScope();
        SafetensorsWriter.Write(path, Table(tables).Select(row => (row.Name, Create(salt, row))), new Dictionary<string, string> { ["format"] = "pt" });
    }

    /// <summary>One tensor in its table's element type.</summary>
    public static Tensor Create(string salt, Row row)
    {
        var values = Values(salt, row.SameAs.Length > 0 ? row.SameAs : row.Name, row.Shape.Aggregate(1L, (a, b) => a * b), row.Scale, row.Offset);
        using var flat = tensor(values, ScalarType.Float32);
        using var shaped = flat.reshape(row.Shape);
        return shaped.to(row.Type, copy: true);
    }

    /// <summary>The float32 values of a tensor.</summary>
    internal static float[] Values(string salt, string name, long count, double scale, double offset)
    {
        var hash = 0xcbf29ce484222325UL;
        foreach (var b in Encoding.UTF8.GetBytes($"{salt}/{name}")) hash = (hash ^ b) * 0x100000001b3UL;
        var values = new float[count];
        for (var i = 0L; i < count; i++)
        {
            var z = hash + (ulong)(i + 1) * 0x9e3779b97f4a7c15UL;
            z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9UL;
            z = (z ^ (z >> 27)) * 0x94d049bb133111ebUL;
            z ^= z >> 31;
            var u = (z >> 40) / 16777216.0;
            values[i] = (float)(offset + scale * Math.Sqrt(3) * (2 * u - 1));
        }
        return values;
    }

    private static ScalarType TypeOf(string name) => name switch
    {
        "F64" => ScalarType.Float64,
        "F32" => ScalarType.Float32,
        "F16" => ScalarType.Float16,
        "BF16" => ScalarType.BFloat16,
        "F8_E4M3" => (ScalarType)24,
        "F8_E5M2" => (ScalarType)23,
        "I64" => ScalarType.Int64,
        "I32" => ScalarType.Int32,
        "U8" => ScalarType.Byte,
        _ => throw new InvalidDataException($"The weights table has an unknown element type '{name}'."),
    };
}
