using DiffSynthSharp.Fuzz;

namespace DiffSynthSharp.Tests.Weights;

/// <summary>
/// Damaged copies of real files, 150,000 in all, from a fixed seed: each is read or refused, with nothing but a <see cref="DiffSynthException"/> and with
/// memory in proportion to the file.
/// </summary>
public sealed class MutatedFilesTests
{
    private const int Copies = 15_000;

    private static string Folder => Path.Combine(Repository.Root, "tests", "Fixtures", "goldens", "checkpoint-files");

    [Theory]
    [InlineData("all-dtypes.safetensors", "safetensors")]
    [InlineData("unordered-padded.safetensors", "safetensors")]
    [InlineData("legacy.pt", "pickle")]
    [InlineData("textual-inversion-old.pt", "pickle")]
    [InlineData("lightning.ckpt", "pickle")]
    [InlineData("protocol3.pt", "pickle")]
    [InlineData("protocol5.pt", "pickle")]
    [InlineData("pytorch_model.bin", "pickle")]
    [InlineData("../gguf/broken/sound.gguf", "gguf")]
    [InlineData("../gguf/reshaped.gguf", "gguf")]
    public void A_damaged_file_is_read_or_refused(string name, string reader)
    {
        var target = FuzzTargets.Find(reader);
        var mutator = new Mutator(new Random(name.Length * 7919 + name[0]), []);
        var original = File.ReadAllBytes(Path.Combine(Folder, name));
        var donors = Directory.GetFiles(Folder).Order(StringComparer.Ordinal).Select(File.ReadAllBytes).ToArray();
        var refused = 0;
        for (var i = 0; i < Copies; i++)
        {
            var copy = i % 2 == 0 ? mutator.Damage(original, donors) : target.DamageInside(original, mutator)!;
            var trial = Trial.Of(target, copy);
            Assert.True(trial.Failure is null, $"{name}, copy {i}: {trial.Failure?.What}");
            if (trial.IsRefused) refused++;
        }
        Assert.InRange(refused, Copies / 10, Copies);
    }
}
