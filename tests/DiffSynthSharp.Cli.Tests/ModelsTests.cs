using System.Net;
using DiffSynthSharp.Cli.Commands;
using DiffSynthSharp.Tests;

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
