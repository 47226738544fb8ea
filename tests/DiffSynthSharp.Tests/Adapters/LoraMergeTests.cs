using System.Text.Json;
using DiffSynthSharp.Adapters.Lora;
using DiffSynthSharp.Families;
using DiffSynthSharp.Families.StableDiffusion;
using DiffSynthSharp.Generation;
using DiffSynthSharp.Layers;
using DiffSynthSharp.Tests.Generation;
using DiffSynthSharp.Tests.Goldens;
using DiffSynthSharp.Weights;
using static TorchSharp.torch;

namespace DiffSynthSharp.Tests.Adapters;

public sealed class LoraMergeTests : IDisposable
{
    private static readonly GoldenFolder s_golden = GoldenFolder.All().First(folder => folder.Name == "lora-sd15");
    private readonly TemporaryFolder _folder = new();
    private readonly List<TemporaryFile> _files = [];

    public void Dispose()
    {
        _folder.Dispose();
        foreach (var file in _files) file.Dispose();
    }

    [Theory]
    [InlineData("kohya", 0.8)]
    [InlineData("dora", 1.0)]
    [InlineData("ia3", 0.5)]
    public void A_merged_model_makes_what_the_LoRA_makes(string layout, double scale)
    {
        var lora = new LoraUse(Written(layout), scale);
        LoraMerge.Merge(TinyModel.Folder, [lora], _folder["merged"], new() { Type = WeightType.F32 });
        var (plain, attached, merged) = (Latents(TinyModel.Folder), Latents(TinyModel.Folder, lora), Latents(_folder["merged"]));
        var largest = attached.Max(Math.Abs);
        Assert.True(attached.Zip(merged, (a, b) => Math.Abs(a - b)).Max() <= 1e-4 * largest);
        Assert.True(attached.Zip(plain, (a, b) => Math.Abs(a - b)).Max() > 1e-2 * largest);
    }

    [Fact]
    public void Several_add_up_in_one_file_whose_other_tensors_stay_bit_for_bit()
    {
        LoraUse[] loras = [new(Written("kohya"), 0.5), new(Written("lokr"), -0.7), new(Written("dora"))];
        var reports = new List<GenerationProgress>();
        var report = LoraMerge.Merge(TinyModel.SingleFile, loras, _folder["merged.safetensors"], progress: new Reports(reports));
        using var scope = NewDisposeScope();
        using var before = WeightFile.Open(TinyModel.SingleFile);
        using var after = WeightFile.Open(_folder["merged.safetensors"]);
        Assert.Equal(before.Entries.Keys.Order(StringComparer.Ordinal), after.Entries.Keys.Order(StringComparer.Ordinal));
        var changed = 0;
        foreach (var (name, entry) in before.Entries)
        {
            var (old, merged, expected) = (before.Read(name), after.Read(name), Expected(loras, name));
            Assert.Equal((entry.Type, entry.ShapeText), (after.Entries[name].Type, after.Entries[name].ShapeText));
            Assert.True(merged.eq(expected ?? old).all().item<bool>(), name);
            if (expected is not null) changed++;
        }
        Assert.Equal((31, 31), (changed, report.Changed));
        Assert.Equal(3, reports.Count(progress => progress.Message is not null));
        Assert.Equal((before.Entries.Count, before.Entries.Count), reports.Where(progress => progress.Phase == GenerationPhase.Write).Select(progress => (progress.Done, progress.Total)).Last());
    }

    [Fact]
    public void The_header_keeps_its_notes_and_says_what_was_merged()
    {
        var lora = Written("kohya");
        using (var model = WeightFile.Open(TinyModel.SingleFile))
            SafetensorsWriter.Write(_folder["model.safetensors"], model.Entries.Values, entry => model.Read(entry.Name), new Dictionary<string, string> { ["modelspec.title"] = "tiny", ["modelspec.hash_sha256"] = "0x00" });
        LoraMerge.Merge(_folder["model.safetensors"], [new(lora, 0.5)], _folder["once.safetensors"]);
        LoraMerge.Merge(_folder["once.safetensors"], [new(lora, -0.5)], _folder["twice.safetensors"]);
        using var twice = WeightFile.Open(_folder["twice.safetensors"]);
        Assert.Equal("tiny", twice.Metadata["modelspec.title"]);
        Assert.DoesNotContain("modelspec.hash_sha256", twice.Metadata.Keys);
        using var note = JsonDocument.Parse(twice.Metadata[MergeNote.Key]);
        Assert.Equal([(Path.GetFileName(lora), 0.5, 31), (Path.GetFileName(lora), -0.5, 31)],
            note.RootElement.EnumerateArray().Select(merged => (merged.GetProperty("file").GetString()!, merged.GetProperty("scale").GetDouble(), merged.GetProperty("modules").GetInt32())));
    }

    [Fact]
    public void A_folder_becomes_a_folder_without_other_copies_of_its_weights()
    {
        var model = Copy(TinyModel.Folder, _folder["model"]);
        File.WriteAllText(Path.Combine(model, "unet", "diffusion_pytorch_model.bin"), "another copy");
        File.WriteAllText(Path.Combine(model, "v1-5-pruned.safetensors"), "another copy");
        File.WriteAllText(Path.Combine(model, "README.md"), "kept");
        Directory.CreateDirectory(Path.Combine(model, ".git"));
        using var attention = Only("kohya", "lora_unet_");
        var report = LoraMerge.Merge(model, [new(attention.Path)], _folder["merged"]);
        Assert.Equal([Path.Combine("unet", "diffusion_pytorch_model.bin"), "v1-5-pruned.safetensors"], report.LeftOut.Order(StringComparer.Ordinal));
        var expected = Relative(model).Except(report.LeftOut).Order(StringComparer.Ordinal);
        Assert.Equal(expected, Relative(_folder["merged"]).Order(StringComparer.Ordinal));
        foreach (var file in Relative(_folder["merged"]))
            Assert.Equal(!file.StartsWith(Path.Combine("unet", "diffusion"), StringComparison.Ordinal), File.ReadAllBytes(Path.Combine(model, file)).SequenceEqual(File.ReadAllBytes(Path.Combine(_folder["merged"], file))));
        Assert.Equal(2, Directory.GetDirectories(_folder.Path).Length);
    }

    [Theory]
    [InlineData("safetensors")]
    [InlineData("bin")]
    public void Shards_stay_shards_when_they_are_safetensors(string extension)
    {
        var model = Copy(TinyModel.Folder, _folder["model"]);
        Shard(Path.Combine(model, "unet"), extension);
        LoraMerge.Merge(model, [new(Written("kohya"))], _folder["merged"], new() { Type = WeightType.F32 });
        var names = Directory.GetFiles(_folder["merged/unet"]).Select(file => Path.GetFileName(file)).Order(StringComparer.Ordinal);
        Assert.Equal(extension == "bin" ? ["config.json", "diffusion_pytorch_model.safetensors"]
            : ["config.json", "diffusion_pytorch_model-00001-of-00002.safetensors", "diffusion_pytorch_model-00002-of-00002.safetensors", "diffusion_pytorch_model.safetensors.index.json"], names);
        using var scope = NewDisposeScope();
        using var merged = WeightSource.OpenFolder(_folder["merged/unet"]);
        using var before = WeightSource.OpenFolder(Path.Combine(model, "unet"));
        Assert.Equal(before.Entries.Keys.Order(StringComparer.Ordinal), merged.Entries.Keys.Order(StringComparer.Ordinal));
        Assert.All(merged.Entries.Values, entry => Assert.Equal(StoredType.F32, entry.Type));
        if (extension == "safetensors")
            Assert.Equal(merged.Entries.Values.Sum(entry => entry.Bytes), JsonDocument.Parse(File.ReadAllText(merged.Path)).RootElement.GetProperty("metadata").GetProperty("total_size").GetInt64());
    }

    [Fact]
    public void A_cancelled_merge_leaves_nothing()
    {
        using var cancellation = new CancellationTokenSource();
        var lora = new LoraUse(Written("kohya"));
        var stop = new Stop(cancellation);
        Assert.ThrowsAny<OperationCanceledException>(() => LoraMerge.Merge(TinyModel.SingleFile, [lora], _folder["merged.safetensors"], progress: stop, cancellation: cancellation.Token));
        Assert.ThrowsAny<OperationCanceledException>(() => LoraMerge.Merge(TinyModel.Folder, [lora], _folder["merged"], progress: stop, cancellation: cancellation.Token));
        Assert.Empty(Directory.EnumerateFileSystemEntries(_folder.Path));
    }

    [Fact]
    public void What_does_not_fit_is_one_line()
    {
        var lora = new LoraUse(Written("kohya"));
        File.WriteAllText(_folder["taken"], "");
        foreach (var (expected, merge) in ((string, Action)[])
        [
            ("expected a name that ends in .safetensors", () => LoraMerge.Merge(TinyModel.SingleFile, [lora], _folder["a.ckpt"])),
            ("read at the same time", () => LoraMerge.Merge(TinyModel.SingleFile, [lora], TinyModel.SingleFile)),
            ("name a new or empty folder", () => LoraMerge.Merge(TinyModel.Folder, [lora], _folder["taken"])),
            ("lies inside the model", () => LoraMerge.Merge(TinyModel.Folder, [lora], Path.Combine(TinyModel.Folder, "merged"))),
            ("name at least one LoRA", () => LoraMerge.Merge(TinyModel.SingleFile, [], _folder["a.safetensors"])),
            ("Not all of a LoRA fits", () => LoraMerge.Merge(TinyModel.SingleFile, [new(Written("kohya-unmatched"))], _folder["a.safetensors"], new() { IsStrict = true })),
            ("holds no network of Stable Diffusion 1.x", () => LoraMerge.Merge(lora.Path, [lora], _folder["a.safetensors"])),
            ("no room", () => LoraMerge.Merge(TinyModel.SingleFile, [lora with { Scale = 1e6 }], _folder["a.safetensors"])),
        ])
            Assert.Contains(expected, Assert.Throws<DiffSynthException>(merge).Message);
        Assert.Equal([_folder["taken"]], Directory.EnumerateFileSystemEntries(_folder.Path));
    }

    // What the layer itself says that its adapters change, rounded as the file stores it.
    private static Tensor? Expected(LoraUse[] loras, string name)
    {
        using var files = ModelFiles.Open(TinyModel.SingleFile);
        using var outline = StableDiffusionOutline.Of(files);
        var part = outline.Parts.FirstOrDefault(part => name.StartsWith(part.Weights.Prefix, StringComparison.Ordinal));
        if (part.Weights is null) return null;
        foreach (var (path, module) in part.Network.Network.named_modules())
        {
            if (module is not Leaf leaf || !part.Weights.TryGet($"{path}.weight", out var found) || found.Names != name) continue;
            using var stored = part.Weights.Read($"{path}.weight");
            Tensor? sum = null;
            foreach (var lora in loras)
            {
                using var file = LoraFile.Open(lora.Path);
                using var attached = LoraAttachment.Attach(outline.Networks, file, lora.Scale);
                if (leaf.ChangeOf("weight", stored.reshape(leaf.ShapeOf("weight")!)) is { } change) sum = sum is null ? change : sum + change;
            }
            return sum is null ? null : (stored.to(ScalarType.Float32) + sum.reshape(stored.shape)).to(stored.dtype);
        }
        return null;
    }

    private string Written(string layout)
    {
        _files.Add(s_golden.WriteWeights(layout));
        return _files[^1].Path;
    }

    private TemporaryFile Only(string layout, string prefix)
    {
        using var all = WeightFile.Open(Written(layout));
        var file = new TemporaryFile(".safetensors");
        SafetensorsWriter.Write(file.Path, all.Entries.Values.Where(entry => entry.Name.StartsWith(prefix, StringComparison.Ordinal)), entry => all.Read(entry.Name));
        return file;
    }

    private static float[] Latents(string model, params LoraUse[] loras)
    {
        using var loaded = DiffusionModel.Load(model);
        return loaded.Generate(TinyModel.Request with { Loras = loras })[0].Latents;
    }

    private static string Copy(string from, string to)
    {
        foreach (var file in Relative(from))
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.Combine(to, file))!);
            File.Copy(Path.Combine(from, file), Path.Combine(to, file));
        }
        return to;
    }

    private static IEnumerable<string> Relative(string folder) => Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Select(file => Path.GetRelativePath(folder, file));

    // The reader goes by content, so that a shard of either name may hold safetensors.
    private static void Shard(string folder, string extension)
    {
        var whole = Path.Combine(folder, "diffusion_pytorch_model.safetensors");
        using (var file = WeightFile.Open(whole))
        {
            var shards = file.Entries.Values.Chunk((file.Entries.Count + 1) / 2).Select((entries, i) => (Name: $"diffusion_pytorch_model-0000{i + 1}-of-00002.{extension}", entries)).ToList();
            foreach (var (name, entries) in shards) SafetensorsWriter.Write(Path.Combine(folder, name), entries, entry => file.Read(entry.Name));
            var index = new { metadata = new { total_size = 1 }, weight_map = shards.SelectMany(shard => shard.entries.Select(entry => (entry.Name, shard.Name))).ToDictionary() };
            File.WriteAllText(Path.Combine(folder, $"diffusion_pytorch_model.{extension}.index.json"), JsonSerializer.Serialize(index));
        }
        File.Delete(whole);
    }

    private sealed class Reports(List<GenerationProgress> reports) : IProgress<GenerationProgress>
    {
        public void Report(GenerationProgress value) => reports.Add(value);
    }

    private sealed class Stop(CancellationTokenSource source) : IProgress<GenerationProgress>
    {
        public void Report(GenerationProgress value)
        {
            if (value is { Phase: GenerationPhase.Write, Done: 3 }) source.Cancel();
        }
    }
}
