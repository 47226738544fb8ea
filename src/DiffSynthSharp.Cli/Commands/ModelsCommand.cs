using System.CommandLine;
using DiffSynthSharp.Tokenizers;

namespace DiffSynthSharp.Cli.Commands;

/// <summary><c>diffsynth models</c>: what is on this machine, and what can be fetched.</summary>
internal static class ModelsCommand
{
    private const string ClipTokenizer = "clip-tokenizer";

    /// <param name="terminal">Where results go.</param>
    /// <param name="client">Makes what requests go through; the network when null.</param>
    public static Command Create(Terminal terminal, Func<HttpClient>? client = null)
    {
        var list = new Command("list", "List what is here and what can be fetched, with the folder of each.");
        list.SetAction(_ =>
        {
            terminal.Out.WriteLine($"starter\t{StarterModel.Folder() ?? "not here"}");
            var place = File.Exists(Path.Combine(TokenizerFiles.ClipCache, "vocab.json")) ? TokenizerFiles.ClipCache
                : $"not here; fetched by 'diffsynth models pull {ClipTokenizer}'";
            terminal.Out.WriteLine($"{ClipTokenizer}\t{place}");
            return 0;
        });
        var name = new Argument<string>("name")
        {
            Description = $"{ClipTokenizer}: CLIP's vocabulary (1.6 MB), for single-file checkpoints that have none beside them.",
        };
        var pull = new CommandWithExamples(
            "pull", "Fetch something from its public home into the cache and check its SHA-256. The only command that uses the network.",
            $"diffsynth models pull {ClipTokenizer}")
        {
            name,
        };
        pull.SetAction(async (parsed, cancellation) =>
        {
            var asked = parsed.GetRequiredValue(name);
            if (asked != ClipTokenizer) throw new DiffSynthException($"There is nothing called '{asked}' to fetch. Known: {ClipTokenizer}.");
            using var http = client?.Invoke() ?? new HttpClient();
            var fetched = await TokenizerDownload.FetchClipAsync(http, TokenizerFiles.ClipCache, cancellation);
            terminal.Out.WriteLine(fetched.Count == 0 ? $"{TokenizerFiles.ClipCache} is complete." : string.Join(Environment.NewLine, fetched));
            return 0;
        });
        return new Command("models", "See what is on this machine, and fetch what a model needs.") { list, pull };
    }
}
