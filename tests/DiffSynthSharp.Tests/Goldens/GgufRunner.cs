using System.Text.Json;
using DiffSynthSharp.Models.Transformers;
using DiffSynthSharp.Weights;
using DiffSynthSharp.Weights.Gguf;
using static TorchSharp.torch;

namespace DiffSynthSharp.Tests.Goldens;

/// <summary>GGUF: blocks of every type, whole files, and files to refuse quickly and with little memory.</summary>
internal sealed class GgufRunner : IGoldenRunner
{
    public string Kind => "gguf";

    public void Run(GoldenCase @case)
    {
        if (@case.Json.TryGetProperty("type_id", out var code)) CompareBlocks(@case, code.GetUInt32());
        else if (@case.Json.TryGetProperty("tensors", out _)) CompareFile(@case);
        else if (@case.Json.GetProperty("gguf").ValueKind == JsonValueKind.Array) CompareShapes(@case);
        else Refuse(Path.Combine(@case.Folder.Path, @case.Text("gguf")!), @case.Text("expect")!);
    }

    private static void CompareBlocks(GoldenCase @case, uint code)
    {
        using var tensors = @case.Tensors();
        var expected = tensors["out.values"];
        var type = code switch { 1 => StoredType.F16, 30 => StoredType.BF16, _ => StoredType.F32 };
        var bytes = tensors["in.bytes"].contiguous().data<byte>().ToArray();
        var region = ByteRegion.Copy(bytes);
        var entry = new TensorEntry("blocks", type, expected.shape) { Blocks = BlockFormat.Find(code) };
        Assert.Equal(bytes.Length, entry.StoredBytes);
        using StoredRows rows = entry.Blocks is null ? new PlainRows(region, entry, null) : new BlockRows(region, entry);
        region.LetGo();
        GoldenAssert.Close(@case.Name, rows.Widened(), expected, @case.Tolerance);
        var part = empty(1, rows.Columns);
        rows.WidenInto(1, 1, part);
        GoldenAssert.Close("one row", part, expected.narrow(0, 1, 1), @case.Tolerance);
    }

    private static void CompareFile(GoldenCase @case)
    {
        using var tensors = @case.Tensors();
        using var file = WeightFile.Open(Path.Combine(@case.Folder.Path, @case.Text("gguf")!));
        foreach (var note in @case.Json.GetProperty("metadata").EnumerateObject()) CompareNote(note, file.Metadata[note.Name]);
        var rows = @case.Json.GetProperty("tensors").EnumerateArray().ToList();
        Assert.Equal(rows.Count, file.Entries.Count);
        foreach (var row in rows)
        {
            var name = row.GetProperty("name").GetString()!;
            Assert.Equal(row.GetProperty("type").GetString(), file.Entries[name].TypeName);
            Assert.Equal(row.GetProperty("shape").EnumerateArray().Select(side => side.GetInt64()), file.Entries[name].Shape);
            GoldenAssert.Close(name, file.Read(name).flatten().narrow(0, 0, 32).to(ScalarType.Float32), tensors[$"out.head.{name}"].flatten(), 1e-6);
        }
        StoredNetworks.CompareFlux(NetworkGolden.Component(file, FluxKeys.Prefixes, FluxKeys.For), tensors, @case.Tolerance);
    }

    private static void CompareNote(JsonProperty recorded, string ours)
    {
        var value = recorded.Value;
        var expected = value.ValueKind switch
        {
            JsonValueKind.String => value.GetString()!,
            JsonValueKind.Array => $"[{string.Join(", ", value.EnumerateArray().Select(item => item.ValueKind == JsonValueKind.String ? item.GetString() : item.GetRawText()))}]",
            _ => value.GetRawText(),
        };
        Assert.Equal(expected, ours);
    }

    private static void CompareShapes(GoldenCase @case)
    {
        using var tensors = @case.Tensors();
        foreach (var name in @case.Json.GetProperty("gguf").EnumerateArray())
        {
            using var file = WeightFile.Open(Path.Combine(@case.Folder.Path, name.GetString()!));
            foreach (var output in tensors.Outputs) GoldenAssert.Close(output, file.Read(output["out.".Length..]), tensors[output], @case.Tolerance);
        }
    }

    private static void Refuse(string path, string expected)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        var error = Record.Exception(() => ReadAll(path));
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.InRange(allocated, 0, (1 << 20) + 64 * new FileInfo(path).Length);
        if (expected == "accept") Assert.Null(error);
        if (expected == "refuse") Assert.NotNull(error);
        if (error is not null) Assert.DoesNotContain('\n', Assert.IsType<DiffSynthException>(error).Message);
    }

    private static void ReadAll(string path)
    {
        using var scope = NewDisposeScope();
        using var file = WeightFile.Open(path);
        foreach (var name in file.Entries.Keys) file.Read(name);
    }
}
