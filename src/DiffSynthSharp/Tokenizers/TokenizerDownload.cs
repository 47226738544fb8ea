using System.Security.Cryptography;
using DiffSynthSharp.Runtime;

namespace DiffSynthSharp.Tokenizers;

/// <summary>Fetches vocabularies from their public homes into the cache; sizes and SHA-256 are known beforehand.</summary>
/// <remarks>huggingface.co/openai/clip-vit-large-patch14 (OpenAI CLIP, MIT); huggingface.co/google/t5-v1_1-xxl (Google T5, Apache-2.0).</remarks>
public static class TokenizerDownload
{
    private const string ClipHome = "https://huggingface.co/openai/clip-vit-large-patch14/resolve/main/";
    private const string T5Home = "https://huggingface.co/google/t5-v1_1-xxl/resolve/main/";

    /// <summary>The files of CLIP's vocabulary.</summary>
    internal static IReadOnlyList<PinnedFile> Clip { get; } =
    [
        new(ClipHome, "vocab.json", 1_059_962, "e089ad92ba36837a0d31433e555c8f45fe601ab5c221d4f607ded32d9f7a4349"),
        new(ClipHome, "merges.txt", 524_619, "9fd691f7c8039210e0fced15865466c65820d09b63988b0174bfe25de299051a"),
    ];

    /// <summary>The file of T5's vocabulary.</summary>
    internal static IReadOnlyList<PinnedFile> T5 { get; } = [new(T5Home, "spiece.model", 791_656, "d60acb128cf7b7f2536e8f38a5b18a05535c9e14c7a355904270e15b0945ea86")];

    /// <summary>Downloads the files of CLIP's vocabulary that the folder lacks or holds otherwise; a file appears whole and checked or not at all.</summary>
    /// <param name="client">Where requests go.</param>
    /// <param name="folder">Made when it is missing.</param>
    /// <param name="cancellation">Stops the download.</param>
    /// <returns>The paths of the files that were fetched; empty when all were there.</returns>
    /// <exception cref="DiffSynthException">The network fails, or what came is not the published file.</exception>
    public static Task<IReadOnlyList<string>> FetchClipAsync(HttpClient client, string folder, CancellationToken cancellation = default)
        => FetchAsync(Clip, client, folder, cancellation);

    /// <summary>Downloads T5's vocabulary, in the same way.</summary>
    /// <param name="client">Where requests go.</param>
    /// <param name="folder">Made when it is missing.</param>
    /// <param name="cancellation">Stops the download.</param>
    /// <returns>The paths of the files that were fetched; empty when all were there.</returns>
    /// <exception cref="DiffSynthException">The network fails, or what came is not the published file.</exception>
    public static Task<IReadOnlyList<string>> FetchT5Async(HttpClient client, string folder, CancellationToken cancellation = default)
        => FetchAsync(T5, client, folder, cancellation);

    private static async Task<IReadOnlyList<string>> FetchAsync(IReadOnlyList<PinnedFile> files, HttpClient client, string folder, CancellationToken cancellation)
    {
        Directory.CreateDirectory(folder);
        var fetched = new List<string>();
        foreach (var file in files)
        {
            var path = Path.Combine(folder, file.Name);
            if (await IsPublishedAsync(file, path, cancellation)) continue;
            var bytes = await DownloadAsync(client, file, cancellation);
            AtomicFile.Write(path, stream => stream.Write(bytes));
            fetched.Add(path);
        }
        return fetched;
    }

    private static async Task<bool> IsPublishedAsync(PinnedFile file, string path, CancellationToken cancellation)
        => new FileInfo(path) is { Exists: true } info && info.Length == file.Bytes && Matches(file, await File.ReadAllBytesAsync(path, cancellation));

    private static async Task<byte[]> DownloadAsync(HttpClient client, PinnedFile file, CancellationToken cancellation)
    {
        var address = file.Home + file.Name;
        try
        {
            using var response = await client.GetAsync(address, HttpCompletionOption.ResponseHeadersRead, cancellation);
            response.EnsureSuccessStatusCode();
            await using var stream = await response.Content.ReadAsStreamAsync(cancellation);
            var bytes = new byte[file.Bytes + 1];
            var read = await stream.ReadAtLeastAsync(bytes, bytes.Length, throwOnEndOfStream: false, cancellation);
            if (read != file.Bytes)
            {
                var share = read > file.Bytes ? "more than" : $"{read:N0} of";
                throw new DiffSynthException($"{address} sent {share} the {file.Bytes:N0} bytes that were expected; nothing was kept.");
            }
            Array.Resize(ref bytes, read);
            return Matches(file, bytes) ? bytes : throw new DiffSynthException($"{address} sent a file whose SHA-256 is not {file.Sha256}; nothing was kept.");
        }
        catch (Exception e) when (e is HttpRequestException or IOException || (e is TaskCanceledException && !cancellation.IsCancellationRequested))
        {
            throw new DiffSynthException(
                $"{address} cannot be fetched: {e.Message} Put {file.Name} from there into a folder and name it with --tokenizers.", e);
        }
    }

    private static bool Matches(PinnedFile file, byte[] bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes)) == file.Sha256;
}
