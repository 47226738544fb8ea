using DiffSynthSharp.Weights;
using static TorchSharp.torch;

namespace DiffSynthSharp.Tests.Weights;

public sealed class WeightSourceTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("source-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string InFolder(string name) => Path.Combine(_folder, name);

    private string WriteOne(string file, string tensor, float value)
    {
        using var filled = full(2, value);
        SafetensorsWriter.Write(InFolder(file), [(tensor, filled)]);
        return InFolder(file);
    }

    private string WriteIndex(string map, string name = "model.safetensors.index.json")
    {
        File.WriteAllText(InFolder(name), $$"""{"metadata":{"total_size":16},"weight_map":{{map}}}""");
        return InFolder(name);
    }

    private string WriteShards()
    {
        WriteOne("model-00001-of-00002.safetensors", "a", 1);
        WriteOne("model-00002-of-00002.safetensors", "b", 2);
        return WriteIndex("""{"a":"model-00001-of-00002.safetensors","b":"model-00002-of-00002.safetensors"}""");
    }

    private static float First(WeightSource source, string name)
    {
        using var tensor = source.Read(name);
        return tensor[0].item<float>();
    }

    private static string Refused(Func<WeightSource> open) => Assert.Throws<DiffSynthException>(() => open().Dispose()).Message;

    [Fact]
    public void Shards_are_one_checkpoint()
    {
        using var scope = NewDisposeScope();
        using var source = WeightSource.OpenFile(WriteShards());
        Assert.Equal(["a", "b"], source.Entries.Keys.Order());
        Assert.Equal([1f, 2f], [First(source, "a"), First(source, "b")]);
        Assert.Equal(2, source.Files.Count());
        using var stored = source.Store("b");
        Assert.Equal(2f, stored.Widened()[0, 0].item<float>());
    }

    [Fact]
    public void Any_part_opens_the_whole_set()
    {
        using var scope = NewDisposeScope();
        WriteShards();
        using var source = WeightSource.OpenFile(InFolder("model-00002-of-00002.safetensors"));
        Assert.Equal(2, source.Entries.Count);
    }

    [Fact]
    public void A_part_without_an_index_says_which_index_is_missing()
        => Assert.Contains("x.safetensors.index.json'", Refused(() => WeightSource.OpenFile(WriteOne("x-00001-of-00003.safetensors", "a", 1))));

    [Fact]
    public void A_missing_shard_is_named()
    {
        var index = WriteShards();
        File.Delete(InFolder("model-00002-of-00002.safetensors"));
        Assert.Contains("model-00002-of-00002.safetensors' is missing", Refused(() => WeightSource.OpenFile(index)));
    }

    [Fact]
    public void Tensors_that_the_index_promises_are_named_when_they_are_absent()
    {
        WriteOne("one.safetensors", "a", 1);
        var message = Refused(() => WeightSource.OpenFile(WriteIndex("""{"a":"one.safetensors","lost.weight":"one.safetensors"}""")));
        Assert.Contains("lack 1 of the tensors", message);
        Assert.Contains("'lost.weight'", message);
    }

    [Fact]
    public void A_broken_shard_is_refused_by_name()
    {
        var index = WriteShards();
        File.WriteAllText(InFolder("model-00001-of-00002.safetensors"), "<!DOCTYPE html>");
        Assert.Contains("model-00001-of-00002.safetensors' is a web page", Refused(() => WeightSource.OpenFile(index)));
    }

    [Theory]
    [InlineData("""{"a":"../x.safetensors"}""", "plain name")]
    [InlineData("""{"a":"/etc/passwd"}""", "plain name")]
    [InlineData("""{"a":"C:x"}""", "plain name")]
    [InlineData("""{"a":".."}""", "plain name")]
    [InlineData("""{"a":3}""", "not text")]
    [InlineData("""{"a":"x","a":"x"}""", "twice")]
    [InlineData("""{}""", "empty")]
    [InlineData("""[]""", "weight_map")]
    [InlineData("""{"a":""", "not JSON")]
    public void An_index_that_is_malformed_or_leaves_its_folder_is_refused(string map, string said) =>
        Assert.Contains(said, Refused(() => WeightSource.OpenFile(WriteIndex(map))));

    [Theory]
    [InlineData("diffusion_pytorch_model.safetensors")]
    [InlineData("model.safetensors")]
    [InlineData("pytorch_model.bin")]
    [InlineData("model.fp16.safetensors")]
    public void A_component_folder_is_opened_by_its_usual_names(string name)
    {
        using var scope = NewDisposeScope();
        WriteOne(name, "w", 3);
        using var source = WeightSource.OpenFolder(_folder);
        Assert.Equal(InFolder(name), source.Path);
        Assert.Equal(3f, First(source, "w"));
        Assert.True(WeightSource.HasWeights(_folder));
    }

    [Fact]
    public void Plain_files_come_before_variants_and_a_variant_can_be_asked_for()
    {
        using var scope = NewDisposeScope();
        WriteOne("model.safetensors", "w", 1);
        WriteOne("model.fp16.safetensors", "w", 2);
        using WeightSource plain = WeightSource.OpenFolder(_folder), half = WeightSource.OpenFolder(_folder, "fp16");
        Assert.Equal([1f, 2f], [First(plain, "w"), First(half, "w")]);
        Assert.Contains("model.non_ema.safetensors", Refused(() => WeightSource.OpenFolder(_folder, "non_ema")));
    }

    [Fact]
    public void A_folder_may_hold_shards_of_a_variant()
    {
        using var scope = NewDisposeScope();
        WriteOne("model.fp16-00001-of-00002.safetensors", "a", 1);
        WriteOne("model.fp16-00002-of-00002.safetensors", "b", 1);
        WriteIndex("""{"a":"model.fp16-00001-of-00002.safetensors","b":"model.fp16-00002-of-00002.safetensors"}""", "model.safetensors.index.fp16.json");
        using var source = WeightSource.OpenFolder(_folder);
        using var fromPart = WeightSource.OpenFile(InFolder("model.fp16-00002-of-00002.safetensors"));
        Assert.Equal([2, 2], [source.Entries.Count, fromPart.Entries.Count]);
    }

    [Fact]
    public void A_folder_without_weights_says_what_was_looked_for()
    {
        var message = Refused(() => WeightSource.OpenFolder(_folder));
        Assert.Contains("diffusion_pytorch_model.safetensors", message);
        Assert.Contains("pytorch_model.bin", message);
        Assert.False(WeightSource.HasWeights(_folder));
        Assert.Contains("no folder", Refused(() => WeightSource.OpenFolder(InFolder("nowhere"))));
    }

    [Fact]
    public void A_tensor_that_no_file_has_is_named()
    {
        using var source = WeightSource.OpenFile(WriteOne("x.safetensors", "w", 1));
        Assert.Empty(source.Metadata);
        Assert.Contains("no tensor 'v'", Assert.Throws<DiffSynthException>(() => source.Read("v")).Message);
    }
}
