using System.CommandLine;
using DiffSynthSharp.Tokenizers;

namespace DiffSynthSharp.Cli.Commands;

/// <summary><c>diffsynth models</c>: what is on this machine, and what can be fetched.</summary>
internal static class ModelsCommand
{
    private sealed record Fetched(string Name, string Contents, string Folder, string Sign, Func<HttpClient, string, CancellationToken, Task<IReadOnlyList<string>>> FetchAsync);

    private static IReadOnlyList<Fetched> Known =>
    [
        new("clip-tokenizer", "CLIP's vocabulary (1.6 MB)", TokenizerFiles.ClipCache, "vocab.json", TokenizerDownload.FetchClipAsync),
        new("t5-tokenizer", "T5's vocabulary (0.8 MB)", TokenizerFiles.T5Cache, "spiece.model", TokenizerDownload.FetchT5Async),
    ];

    /// <param name="terminal">Where results go.</param>
    /// <param name="client">Makes what requests go through; the network when null.</param>
    public static Command Create(Terminal terminal, Func<HttpClient>? client = null)
    {
        var list = new Command("list", "List what is here and what can be fetched, with the folder of each.");
        list.SetAction(_ =>
        {
            terminal.Out.WriteLine($"starter\t{StarterModel.Folder() ?? "not here"}");
            foreach (var known in Known)
            {
                var isHere = File.Exists(Path.Combine(known.Folder, known.Sign));
                terminal.Out.WriteLine($"{known.Name}\t{(isHere ? known.Folder : $"not here; fetched by 'diffsynth models pull {known.Name}'")}");
            }
            return 0;
        });
        var name = new Argument<string>("name")
        {
            Description = $"{string.Join(" or ", Known.Select(known => $"{known.Name}: {known.Contents}"))}, for single-file checkpoints that have none beside them.",
        };
        var pull = new CommandWithExamples(
            "pull", "Fetch something from its public home into the cache and check its SHA-256. The only command that uses the network.",
            $"diffsynth models pull {Known[0].Name}")
        {
            name,
        };
        pull.SetAction(async (parsed, cancellation) =>
        {
            var asked = parsed.GetRequiredValue(name);
            var known = Known.FirstOrDefault(known => known.Name == asked)
                ?? throw new DiffSynthException($"There is nothing called '{asked}' to fetch. Known: {string.Join(", ", Known.Select(known => known.Name))}.");
            using var http = client?.Invoke() ?? new HttpClient();
            var fetched = await known.FetchAsync(http, known.Folder, cancellation);
            terminal.Out.WriteLine(fetched.Count == 0 ? $"{known.Folder} is complete." : string.Join(Environment.NewLine, fetched));
            return 0;
        });
        return new Command("models", "See what is on this machine, and fetch what a model needs.") { list, ModelsWhereCommand.Create(terminal), pull };
    }
}
