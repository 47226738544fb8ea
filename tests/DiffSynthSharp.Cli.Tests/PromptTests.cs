using DiffSynthSharp.Imaging;
using DiffSynthSharp.Tests;
using DiffSynthSharp.Tests.Generation;
using DiffSynthSharp.Weights;
using static TorchSharp.torch;

namespace DiffSynthSharp.Cli.Tests;

public sealed class PromptTests : IDisposable
{
    // The tiny model's text encoder.
    private const int Width = 128;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Brackets_are_weights_unless_the_syntax_is_plain()
    {
        Assert.NotEqual(await Drawn("a red car"), await Drawn("a (red:1.5) car"));
        Assert.NotEqual(await Drawn("a (red:1.5) car"), await Drawn("a (red:1.5) car", "--prompt-syntax", "plain"));
        Assert.NotEqual(await Drawn("a (red:1.5) car"), await Drawn("a (red:1.5) car", "--emphasis", "kept"));
        Assert.Equal(await Drawn("a red car"), await Drawn("a red car", "--emphasis", "kept", "--prompt-syntax", "plain"));
    }

    [Theory]
    [InlineData("rows", "The prompt has 90 tokens and is encoded in 2 rows.")]
    [InlineData("chunks", "The prompt has 90 tokens and is encoded in 2 chunks.")]
    [InlineData("cut", "The prompt has 90 tokens; the last 15 don't fit and were left out.")]
    public async Task What_becomes_of_a_long_prompt_is_said(string mode, string line)
        => Assert.Contains(line, (await Generate(string.Join(' ', Enumerable.Repeat("a", 90)), "--long-prompt", mode)).Error);

    [Fact]
    public async Task A_learned_word_has_the_keyword_behind_the_colon_else_its_file_s_name()
    {
        using (var vectors = full([2, Width], 0.5f)) SafetensorsWriter.Write(_folder["style.safetensors"], [("emb_params", vectors)]);
        var file = _folder["style.safetensors"];
        var learned = await Drawn("a car, style", "--embedding", file);
        Assert.NotEqual(await Drawn("a car, style"), learned);
        Assert.Equal(learned, await Drawn("a car, another", "--embedding", $"{file}:another"));
        Assert.Contains("The embedding 'style' changes nothing: its keyword stands in no prompt.", (await Generate("a car", "--embedding", file)).Error);
    }

    [Fact]
    public async Task An_embedding_for_another_family_is_refused_with_both_widths()
    {
        using (var vectors = ones(1, 12)) SafetensorsWriter.Write(_folder["wide.safetensors"], [("emb_params", vectors)]);
        var run = await Generate("a car", "--embedding", _folder["wide.safetensors"]);
        Assert.Equal(2, run.ExitCode);
        Assert.Contains("width 12", run.ErrorLines[^1]);
        Assert.Contains("width of 128", run.ErrorLines[^1]);
    }

    [Theory]
    [InlineData("--prompt-syntax", "Known: weighted, plain")]
    [InlineData("--long-prompt", "Known: rows, chunks, cut")]
    [InlineData("--emphasis", "Known: restored, kept")]
    public async Task An_unknown_way_is_refused_with_the_known_ones(string option, string known)
    {
        var run = await Generate("a car", option, "none");
        Assert.Equal(2, run.ExitCode);
        Assert.Contains(known, run.Error);
    }

    private async Task<byte[]> Drawn(string prompt, params string[] more)
    {
        var run = await Generate(prompt, [.. more, "--quiet"]);
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        return Picture.Load(_folder["a.png"]).Rgb.ToArray();
    }

    private Task<Run> Generate(string prompt, params string[] more) => Run.Of(
        ["generate", prompt, "--model", TinyModel.Folder, "--size", "64x64", "--steps", "2", "--sampler", "ddim", "--seed", "3", "-o", _folder["a.png"], .. more]);
}
