using System.Net;
using System.Text.Json;
using DiffSynthSharp.Cli.Commands;
using DiffSynthSharp.Tests;
using DiffSynthSharp.Tests.Generation;
using DiffSynthSharp.Tests.Goldens;

namespace DiffSynthSharp.Cli.Tests;

public sealed class ModelsTests
{
    [Fact]
    public async Task The_list_says_what_is_here_and_how_to_fetch_the_rest()
    {
        var run = await Run.Of("models", "list");
        Assert.Equal(0, run.ExitCode);
        Assert.Equal(["starter", "clip-tokenizer", "t5-tokenizer"], run.Lines.Select(line => line.Split('\t')[0]));
    }

    [Fact]
    public async Task Where_says_what_a_model_is_made_of()
    {
        var run = await Run.Of("models", "where", "--model", TinyModel.Folder);
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        Assert.Equal($"{TinyModel.Folder}: Stable Diffusion 1.x, complete", run.Lines[0]);
        Assert.Equal(["text encoder", "U-Net", "autoencoder", "CLIP vocabulary (vocab.json and merges.txt)"], run.Lines.Skip(1).Select(line => line.Trim().Split(':')[0]));
        Assert.Contains($"  U-Net: {Path.Combine(TinyModel.Folder, "unet", "diffusion_pytorch_model.safetensors")}", run.Lines);
    }

    [Fact]
    public async Task Where_says_what_is_missing_where_it_was_looked_for_and_where_to_get_it()
    {
        using var folder = new TemporaryFolder();
        var golden = GoldenFolder.All().First(golden => golden.Name == "pipeline-flux-dev");
        File.Copy(Path.Combine(PipelineModels.Folder(golden, "files"), "flux1-dev.safetensors"), folder["flux1-dev.safetensors"]);
        string[] command = ["models", "where", "--model", folder["flux1-dev.safetensors"], "--tokenizers", folder.Path];
        var run = await Run.Of(command);
        Assert.Equal((1, ""), (run.ExitCode, run.Error));
        Assert.Contains("  autoencoder: missing, --vae", run.Lines);
        Assert.Contains(run.Lines, line => line.StartsWith($"    looked for t5xxl_fp16.safetensors, t5xxl_fp8_e4m3fn.safetensors, t5xxl_fp8_e4m3fn_scaled.safetensors in {folder.Path}, {folder["text_encoders"]}, ", StringComparison.Ordinal));
        Assert.Contains("    download ae.safetensors from https://huggingface.co/black-forest-labs/FLUX.1-schnell, 335,304,388 bytes, SHA-256 afc8e28272cd15db3919bacdb6918ce9c1ed22e96cb12c4d5ed0fba823529e38", run.Lines);
        Assert.Contains("    or `diffsynth models pull t5-tokenizer`", run.Lines);
        var json = JsonDocument.Parse(Assert.Single((await Run.Of([.. command, "--json"])).Lines)).RootElement;
        Assert.False(json.GetProperty("is_complete").GetBoolean());
        Assert.Equal("--clip-l", json.GetProperty("parts")[0].GetProperty("option").GetString());
        var generated = await Run.Of("generate", "a cat", "--quiet", "--model", folder["flux1-dev.safetensors"]);
        Assert.Contains("`diffsynth models where` says where to get it", Assert.Single(generated.ErrorLines));
    }

    [Fact]
    public async Task Where_without_a_model_speaks_of_every_family()
    {
        var run = await Run.Of("models", "where");
        Assert.Equal(0, run.ExitCode);
        Assert.Equal(["FLUX.1:", "Stable Diffusion 3:", "Stable Diffusion 1.x:"], run.Lines.Where(line => line[0] != ' '));
        Assert.Contains("  T5 text encoder, optional, --t5", run.Lines);
        Assert.Equal(3, (await Run.Of("models", "where", "--json")).Lines.Length);
    }

    [Fact]
    public async Task Where_of_a_file_that_cannot_be_read_or_a_wrong_part_is_an_error()
    {
        Assert.Equal(2, (await Run.Of("models", "where", "--model", "missing.safetensors")).ExitCode);
        var run = await Run.Of("models", "where", "--model", TinyModel.SingleFile, "--clip-l", TinyModel.InpaintingFile, "--vae", "missing.safetensors");
        Assert.Equal(2, run.ExitCode);
        Assert.Contains("'missing.safetensors' for the autoencoder (--vae)", Assert.Single(run.ErrorLines));
    }

    [Fact]
    public async Task An_unknown_name_is_refused_with_those_there_are()
    {
        var run = await Run.Of("models", "pull", "sd15");
        Assert.Equal(2, run.ExitCode);
        Assert.Contains("Known: clip-tokenizer, t5-tokenizer", run.Error);
    }

    [Fact]
    public async Task A_pull_without_a_network_says_what_to_do()
    {
        using var home = new TemporaryFolder();
        Environment.SetEnvironmentVariable("DIFFSYNTH_HOME", home.Path);
        try
        {
            var command = ModelsCommand.Create(new Terminal(new StringWriter(), new StringWriter(), false), () => new HttpClient(new Unreachable()));
            var pull = command.Parse(["pull", "clip-tokenizer"]);
            var error = await Assert.ThrowsAsync<DiffSynthException>(() => pull.InvokeAsync(new() { EnableDefaultExceptionHandler = false }));
            Assert.Contains("name it with --tokenizers", error.Message);
            Assert.Empty(Directory.EnumerateFiles(home.Path, "*", SearchOption.AllDirectories));
        }
        finally
        {
            Environment.SetEnvironmentVariable("DIFFSYNTH_HOME", null);
        }
    }

    private sealed class Unreachable : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
            => throw new HttpRequestException("Name or service not known", null, HttpStatusCode.BadGateway);
    }
}
