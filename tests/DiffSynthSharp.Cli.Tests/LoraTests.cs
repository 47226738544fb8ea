using System.Text.Json;
using DiffSynthSharp.Tests;
using DiffSynthSharp.Tests.Generation;
using DiffSynthSharp.Tests.Goldens;

namespace DiffSynthSharp.Cli.Tests;

public sealed class LoraTests : IDisposable
{
    private static readonly GoldenFolder s_golden = GoldenFolder.All().First(folder => folder.Name == "lora-sd15");
    private readonly TemporaryFolder _folder = new();

    public LoraTests()
    {
        foreach (var layout in (string[])["kohya", "loha", "kohya-unmatched"])
        {
            using var file = s_golden.WriteWeights(layout);
            File.Copy(file.Path, _folder[$"{layout}.safetensors"]);
        }
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Inspect_says_layout_kinds_ranks_alphas_and_notes()
    {
        var run = await Run.Of("lora", "inspect", _folder["kohya.safetensors"]);
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        Assert.StartsWith($"{_folder["kohya.safetensors"]}: kohya, nothing tells its family, 93 tensors", run.Lines[0]);
        Assert.All(["text_encoder", "unet", "LoCon", "4, 6", "1.5, 2, 8, 9", "F16"], word => Assert.Contains(word, run.Out));
        run = await Run.Of("lora", "inspect", Path.Combine(s_golden.Path, "kohya-with-metadata.safetensors"));
        Assert.All(["trigger words: ink drawing", "base model: v1-5-pruned-emaonly.safetensors", "comment: trained \"by hand\" é \\ 漢"], line => Assert.Contains(line, run.Lines));
    }

    [Fact]
    public async Task Inspect_with_a_model_names_what_does_not_fit()
    {
        var run = await Run.Of("lora", "inspect", _folder["kohya-unmatched.safetensors"], "--model", TinyModel.Folder);
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        Assert.Contains(run.Lines, line => line.EndsWith(" match no layer:", StringComparison.Ordinal));
        Assert.Contains(run.Lines, line => line.EndsWith(" are of another shape:", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Inspect_writes_one_object_of_json()
    {
        var run = await Run.Of("lora", "inspect", _folder["kohya.safetensors"], "-m", TinyModel.SingleFile, "--json");
        var json = JsonDocument.Parse(Assert.Single(run.Lines)).RootElement;
        Assert.Equal("kohya", json.GetProperty("lora").GetProperty("layout").GetString());
        Assert.Equal(31, json.GetProperty("lora").GetProperty("modules").GetArrayLength());
        Assert.Equal(31, json.GetProperty("ledger").GetProperty("matched").GetArrayLength());
    }

    [Fact]
    public async Task Convert_writes_a_file_and_says_where_alphas_are()
    {
        var run = await Run.Of("lora", "convert", _folder["kohya.safetensors"], "-o", _folder["peft.safetensors"], "--to", "peft");
        Assert.Equal((0, _folder["peft.safetensors"]), (run.ExitCode, Assert.Single(run.Lines)));
        Assert.Equal("kohya.safetensors: 31 modules from kohya to peft; alphas are in the header's lora_adapter_metadata.", Assert.Single(run.ErrorLines));
        run = await Run.Of("lora", "convert", _folder["peft.safetensors"], "-o", _folder["old.safetensors"], "--to", "diffusers", "--type", "f32", "--json");
        var json = JsonDocument.Parse(Assert.Single(run.Lines)).RootElement;
        Assert.Equal(("peft", "diffusers", 0), (json.GetProperty("from").GetString(), json.GetProperty("to").GetString(), json.GetProperty("rounded").GetInt32()));
        Assert.True(json.GetProperty("folded").GetInt32() > 0);
    }

    [Fact]
    public async Task A_merged_model_makes_the_picture_that_the_LoRA_makes()
    {
        var lora = $"{_folder["kohya.safetensors"]}:0.7";
        var run = await Run.Of("lora", "merge", TinyModel.Folder, lora, "-o", _folder["merged"], "--type", "f32");
        Assert.Equal((0, _folder["merged"]), (run.ExitCode, Assert.Single(run.Lines)));
        Assert.Contains("LoRA kohya.safetensors × 0.7: 31 of 31 modules in use (unet 23, text_encoder 8).", run.ErrorLines);
        Assert.Contains("31 tensors changed.", run.ErrorLines);
        async Task<byte[]> Picture(params string[] model)
        {
            var made = await Run.Of(["generate", "a red car", "--steps", "2", "--seed", "7", "--size", "64x64", "-q", "-o", _folder["x.png"], "--model", .. model]);
            Assert.True(made.ExitCode == 0, made.Error);
            return DiffSynthSharp.Imaging.Picture.Load(_folder["x.png"]).Rgb.ToArray();
        }
        var (plain, attached, merged) = (await Picture(TinyModel.Folder), await Picture(TinyModel.Folder, "--lora", lora), await Picture(_folder["merged"]));
        Assert.InRange(attached.Zip(merged, (a, b) => Math.Abs(a - b)).Max(), 0, 1);
        Assert.True(attached.Zip(plain, (a, b) => Math.Abs(a - b)).Max() > 1);
    }

    [Fact]
    public async Task Merge_writes_its_ledgers_as_json_and_nothing_else()
    {
        var run = await Run.Of("lora", "merge", TinyModel.SingleFile, _folder["kohya.safetensors"], _folder["loha.safetensors"], "-o", _folder["merged.safetensors"], "--type", "as-stored", "--json");
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        var json = JsonDocument.Parse(Assert.Single(run.Lines)).RootElement;
        Assert.Equal((2, 31), (json.GetProperty("loras").GetArrayLength(), json.GetProperty("changed").GetInt32()));
    }

    [Fact]
    public async Task Wrong_values_are_one_line()
    {
        string kohya = _folder["kohya.safetensors"], output = _folder["none.safetensors"];
        foreach (var (expected, arguments) in ((string, string[])[])
        [
            ("expected kohya, peft, diffusers, diffsynth", ["convert", kohya, "-o", output, "--to", "a1111"]),
            ("expected f16, f32, bf16", ["convert", kohya, "-o", output, "--to", "peft", "--type", "f8"]),
            ("'--to' is required", ["convert", kohya, "-o", output]),
            ("Write it with --to kohya", ["convert", _folder["loha.safetensors"], "-o", output, "--to", "peft"]),
            ("There is no file", ["inspect", _folder["missing.safetensors"]]),
            ("such as style.safetensors:0.8", ["merge", TinyModel.SingleFile, $"{kohya}:strong", "-o", output]),
            ("Not all of a LoRA fits", ["merge", TinyModel.SingleFile, _folder["kohya-unmatched.safetensors"], "-o", output, "--strict", "-q"]),
            ("as-stored", ["merge", TinyModel.SingleFile, kohya, "-o", output, "--type", "f8"]),
        ])
        {
            var run = await Run.Of(["lora", .. arguments]);
            Assert.Equal((2, ""), (run.ExitCode, run.Out));
            Assert.Contains(expected, Assert.Single(run.ErrorLines));
        }
        Assert.False(File.Exists(output));
    }

    [Fact]
    public async Task A_cancelled_merge_leaves_no_file()
    {
        using var cancelled = new CancellationTokenSource();
        cancelled.Cancel();
        var run = await Run.Of(cancelled.Token, "lora", "merge", TinyModel.SingleFile, _folder["kohya.safetensors"], "-o", _folder["merged.safetensors"]);
        Assert.Equal(130, run.ExitCode);
        Assert.Empty(Directory.GetFiles(_folder.Path, "merged*"));
    }
}
