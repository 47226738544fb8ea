using System.Security.Cryptography;
using DiffSynthSharp.Runtime;

namespace DiffSynthSharp.Tokenizers;

/// <summary>Fetches CLIP's vocabulary from its public home into the cache; its size and SHA-256 are known beforehand.</summary>
/// <remarks>huggingface.co/openai/clip-vit-large-patch14 (OpenAI CLIP, MIT).</remarks>
public static class TokenizerDownload
{
    private const string Home = "https://huggingface.co/openai/clip-vit-large-patch14/resolve/main/";

    private sealed record PinnedFile(string Name, long Bytes, string Sha256);

    private static readonly PinnedFile[] s_files =
    [
        new("vocab.json", 1_059_962, "e089ad92ba36837a0d31433e555c8f45fe601ab5c221d4f607ded32d9f7a4349"),
        new("merges.txt", 524_619, "9fd691f7c8039210e0fced15865466c65820d09b63988b0174bfe25de299051a"),
    ];

    /// <summary>Downloads the files that the folder lacks or holds otherwise; a file appears whole and checked or not at all.</summary>
    /// <param name="client">Where requests go.</param>
    /// <param name="folder">Made when it is missing.</param>
    /// <param name="cancellation">Stops the download.</param>
    /// <returns>The paths of the files that were fetched; empty when all were there.</returns>
    /// <exception cref="DiffSynthException">The network fails, or what came is not the published file.</exception>
    public static async Task<IReadOnlyList<string>> FetchClipAsync(HttpClient client, string folder, CancellationToken cancellation = default)
    {
        Directory.CreateDirectory(folder);
        var fetched = new List<string>();
        foreach (var file in s_files)
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
        var address = Home + file.Name;
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
                $"{address} cannot be fetched: {e.Message} Put vocab.json and merges.txt from there into a folder and name it with --tokenizers.", e);
        }
    }

    private static bool Matches(PinnedFile file, byte[] bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes)) == file.Sha256;
}
