using System.Buffers.Binary;
using System.Text;
using DiffSynthSharp.Weights;
using static TorchSharp.torch;

namespace DiffSynthSharp.Tests.Weights;

public sealed class SafetensorsTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("weights-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string InFolder(string name) => Path.Combine(_folder, name);

    /// <summary>A file of the given header and data, as bytes.</summary>
    internal static byte[] File(string header, byte[] data)
    {
        var json = Encoding.UTF8.GetBytes(header);
        var length = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, json.Length);
        return [.. length, .. json, .. data];
    }

    public static TheoryData<int> EveryType() => [.. Enum.GetValues<StoredType>().Select(type => (int)type)];

    [Theory]
    [MemberData(nameof(EveryType))]
    public void Every_type_comes_back_as_it_was_written(int number)
    {
        using var scope = NewDisposeScope();
        var type = (StoredType)number;
        var values = tensor(new float[] { 0, 1, 2, 3, 1, 0 }).reshape(2, 3).to(type.Scalar());
        var path = InFolder("types.safetensors");
        SafetensorsWriter.Write(path, [("a", values)]);
        using var file = WeightFile.Open(path);
        Assert.Equal(type, file.Entries["a"].Type);
        var read = file.Read("a");
        Assert.Equal(type.Scalar(), read.dtype);
        Assert.Equal([2, 3], read.shape);
        float[] expected = type == StoredType.Bool ? [0, 1, 1, 1, 1, 0] : [0, 1, 2, 3, 1, 0];
        Assert.Equal(expected, read.to(float32).data<float>().ToArray());
    }

    [Fact]
    public void Float8_keeps_its_bits()
    {
        using var scope = NewDisposeScope();
        byte[] bits = [0x00, 0x38, 0x7e, 0x80, 0xb8];
        using var file = WeightFile.Open(File("""{"x":{"dtype":"F8_E4M3","shape":[5],"data_offsets":[0,5]}}""", bits), "f8");
        Assert.Equal([0f, 1f, 448f, -0f, -1f], file.Read("x").to(float32).data<float>().ToArray());
    }

    [Fact]
    public void Scalars_and_empty_tensors_keep_their_shapes()
    {
        using var scope = NewDisposeScope();
        var path = InFolder("small.safetensors");
        SafetensorsWriter.Write(path, [("scalar", tensor(7.5f)), ("none", zeros(0, 3)), ("", ones(1))]);
        using var file = WeightFile.Open(path);
        Assert.Empty(file.Read("scalar").shape);
        Assert.Equal(7.5f, file.Read("scalar").item<float>());
        Assert.Equal([0, 3], file.Read("none").shape);
        Assert.Equal(1f, file.Read("").item<float>());
    }

    [Fact]
    public void A_tensor_outlives_its_file_even_when_the_file_is_deleted()
    {
        using var scope = NewDisposeScope();
        var path = InFolder("short-lived.safetensors");
        SafetensorsWriter.Write(path, [("x", arange(100_000, dtype: float32))]);
        Tensor x, again;
        using (var file = WeightFile.Open(path)) (x, again) = (file.Read("x"), file.Read("x"));
        System.IO.File.Delete(path);
        x.Dispose();
        using var view = again[99_999];
        again.Dispose();
        Assert.Equal(99_999f, view.item<float>());
    }

    [Fact]
    public void Two_readers_of_one_file_do_not_disturb_each_other_and_writing_to_a_tensor_leaves_the_file_alone()
    {
        using var scope = NewDisposeScope();
        var path = InFolder("shared.safetensors");
        SafetensorsWriter.Write(path, [("x", ones(8))]);
        using var first = WeightFile.Open(path);
        using var second = WeightFile.Open(path);
        first.Read("x").zero_();
        Assert.Equal(8f, second.Read("x").sum().item<float>());
        Assert.Equal(0f, first.Read("x").sum().item<float>());
        using var third = WeightFile.Open(path);
        Assert.Equal(8f, third.Read("x").sum().item<float>());
    }

    [Fact]
    public void Dropped_pages_come_back_from_the_file()
    {
        using var scope = NewDisposeScope();
        var path = InFolder("large.safetensors");
        SafetensorsWriter.Write(path, [("x", ones(1 << 20))]);
        using var file = WeightFile.Open(path);
        var x = file.Read("x");
        Assert.Equal(1 << 20, x.sum().item<float>());
        using var stored = file.Store("x");
        stored.DropPages(0, stored.Rows);
        Assert.Equal(1 << 20, x.sum().item<float>());
    }

    [Fact]
    public void Reading_copies_nothing_where_the_bytes_are_aligned()
    {
        using var scope = NewDisposeScope();
        using var file = WeightFile.Open(File("""{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}  """, [0, 0, 128, 63]), "x");
        using Tensor first = file.Read("x"), second = file.Read("x");
        first.fill_(3);
        Assert.Equal(3f, second.item<float>());
    }

    [Fact]
    public void Misaligned_elements_are_read_right()
    {
        using var scope = NewDisposeScope();
        var header = """{"x":{"dtype":"F32","shape":[1],"data_offsets":[1,5]},"b":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}""";
        using var file = WeightFile.Open(File(header, [9, 0, 0, 128, 63]), "x");
        Assert.Equal(1f, file.Read("x").item<float>());
    }

    [Fact]
    public void Metadata_and_names_of_any_script_survive()
    {
        using var scope = NewDisposeScope();
        var path = InFolder("names.safetensors");
        SafetensorsWriter.Write(path, [("名前/\"x\"\n", ones(1))], new Dictionary<string, string> { ["note"] = "é 漢", ["format"] = "pt" });
        using var file = WeightFile.Open(path);
        Assert.Equal(["名前/\"x\"\n"], file.Entries.Keys);
        Assert.Equal("é 漢", file.Metadata["note"]);
    }

    [Fact]
    public void Files_are_laid_out_by_type_and_name_with_the_data_at_a_multiple_of_eight()
    {
        using var scope = NewDisposeScope();
        var path = InFolder("order.safetensors");
        SafetensorsWriter.Write(path,
            [("b", ones(1)), ("a", ones(1)), ("half", ones(3).to(float16)), ("long", ones(1, dtype: int64)), ("byte", ones(1, dtype: uint8))]);
        using var file = WeightFile.Open(path);
        Assert.Equal(["long", "a", "b", "half", "byte"], file.Entries.Values.OrderBy(entry => entry.Offset).Select(entry => entry.Name));
        Assert.Equal(0, file.Entries["long"].Offset % 8);
    }

    [Fact]
    public void Tensors_can_be_written_one_at_a_time()
    {
        using var scope = NewDisposeScope();
        var path = InFolder("streamed.safetensors");
        var asked = new List<string>();
        SafetensorsWriter.Write(path, [new("b", StoredType.F16, [2]), new("a", StoredType.F32, [2, 1])], entry =>
        {
            asked.Add(entry.Name);
            return ones(entry.Shape, dtype: entry.Type.Scalar());
        });
        Assert.Equal(["a", "b"], asked);
        using var file = WeightFile.Open(path);
        Assert.Equal([2, 1], file.Read("a").shape);
    }

    [Fact]
    public void A_tensor_unlike_its_entry_leaves_the_old_file_in_place()
    {
        var path = InFolder("kept.safetensors");
        System.IO.File.WriteAllText(path, "old");
        var error = Assert.Throws<DiffSynthException>(() => SafetensorsWriter.Write(path, [new("a", StoredType.F32, [2])], _ => ones(3)));
        Assert.Contains("'a' should be [2] of F32, found [3] of F32", error.Message);
        Assert.Equal("old", System.IO.File.ReadAllText(path));
        Assert.Equal([path], Directory.GetFiles(_folder));
    }

    [Fact]
    public void A_transposed_tensor_is_written_row_by_row()
    {
        using var scope = NewDisposeScope();
        var path = InFolder("transposed.safetensors");
        SafetensorsWriter.Write(path, [("x", arange(6, dtype: float32).reshape(2, 3).t())]);
        using var file = WeightFile.Open(path);
        Assert.Equal([0f, 3, 1, 4, 2, 5], file.Read("x").data<float>().ToArray());
    }

    [Fact]
    public void A_name_that_comes_twice_is_refused() =>
        Assert.Contains("'a' was given twice",
            Assert.Throws<DiffSynthException>(() => SafetensorsWriter.Write(InFolder("x"), [("a", ones(1)), ("a", ones(1))])).Message);

    [Fact]
    public void A_folder_that_is_missing_is_named() =>
        Assert.Contains("nowhere", Assert.Throws<DiffSynthException>(() => SafetensorsWriter.Write(InFolder("nowhere/x"), [("a", ones(1))])).Message);

    [Fact]
    public void An_unknown_tensor_is_named_with_its_file()
    {
        using var file = WeightFile.Open(File("{}", []), "nothing.safetensors");
        Assert.Contains("'nothing.safetensors' has no tensor 'x'", Assert.Throws<DiffSynthException>(() => file.Read("x")).Message);
    }

    [Theory]
    [InlineData("missing.safetensors", "There is no file")]
    [InlineData(".", "is a folder")]
    public void What_cannot_be_opened_is_said(string name, string said) =>
        Assert.Contains(said, Assert.Throws<DiffSynthException>(() => WeightFile.Open(InFolder(name))).Message);
}
