using System.Security.Cryptography;
using System.Text;
using DiffSynthSharp.Weights;

namespace DiffSynthSharp.Records;

/// <summary>A file by its content.</summary>
/// <param name="Name">Relative to the model's folder, else the full path.</param>
/// <param name="Sha256">64 lower-case hexadecimal digits.</param>
public sealed record HashedFile(string Name, string Sha256);

/// <summary>The files that a model's pictures depend on.</summary>
internal static class ModelFiles
{
    private static readonly string[] s_small = ["*.json", "*.txt", "*.model"];

    /// <summary>Weights that were loaded, and a folder's configurations and vocabularies, in the order of their names.</summary>
    /// <exception cref="DiffSynthException">A file cannot be read.</exception>
    public static IReadOnlyList<HashedFile> Of(ModelDescription model)
    {
        var root = Directory.Exists(model.Path) ? Path.GetFullPath(model.Path) : Path.GetDirectoryName(Path.GetFullPath(model.Path))!;
        var files = model.Parts.SelectMany(part => Weights(part.Origin));
        if (Directory.Exists(model.Path)) files = files.Concat(Directory.EnumerateDirectories(root).Append(root).SelectMany(Small));
        return [.. files.Select(Path.GetFullPath).Distinct().Select(file => new HashedFile(Name(root, file), FileHashes.Of(file))).OrderBy(file => file.Name, StringComparer.Ordinal)];
    }

    /// <summary>One hash for all: a single file's own, so that other programs know it by it.</summary>
    public static string Together(IReadOnlyList<HashedFile> files) => files is [var only] ? only.Sha256
        : Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Concat(files.Select(file => $"{file.Sha256}  {file.Name}\n")))));

    private static IEnumerable<string> Weights(string origin) => origin.EndsWith(".json", StringComparison.OrdinalIgnoreCase)
        ? ShardIndex.Read(origin).Values.Append(origin) : [origin];

    private static IEnumerable<string> Small(string folder) => s_small.SelectMany(pattern => Directory.EnumerateFiles(folder, pattern));

    private static string Name(string root, string file)
        => Path.GetRelativePath(root, file).Replace('\\', '/') is var relative && relative.StartsWith("../", StringComparison.Ordinal) ? file : relative;
}
