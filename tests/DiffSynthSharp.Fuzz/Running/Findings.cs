using System.Security.Cryptography;
using System.Text;

namespace DiffSynthSharp.Fuzz;

/// <summary>A target's folder of what fuzzing found: <c>corpus/</c> to go on from, <c>crashes/</c> with a smallest input and a text for each kind of failure.</summary>
public sealed class Findings
{
    private const int NameLength = 16;

    private static readonly UTF8Encoding s_anyText = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: false);

    private readonly string _corpus;
    private readonly string _crashes;

    /// <param name="folder">Of all targets.</param>
    /// <param name="target">Its name is the folder's.</param>
    public Findings(string folder, FuzzTarget target)
    {
        var own = Path.Combine(folder, target.Name);
        (_corpus, _crashes, Current) = (Path.Combine(own, "corpus"), Path.Combine(own, "crashes"), Path.Combine(own, "current"));
        Directory.CreateDirectory(_corpus);
        Directory.CreateDirectory(_crashes);
        Summary = Path.Combine(folder, "runs.tsv");
    }

    /// <summary>Where the input that is being read is noted.</summary>
    public string Current { get; }

    /// <summary>A line for each run of any target.</summary>
    public string Summary { get; }

    /// <summary>What earlier runs kept.</summary>
    public IEnumerable<byte[]> Corpus => Directory.GetFiles(_corpus).Order(StringComparer.Ordinal).Select(File.ReadAllBytes);

    /// <summary>Keeps an input that went new ways.</summary>
    public void Keep(byte[] input) => File.WriteAllBytes(Path.Combine(_corpus, NameOf(input)), input);

    /// <summary>Keeps an input that failed, unless a smaller one of its kind is there.</summary>
    /// <returns>The file, or null when it is nothing new.</returns>
    public string? Keep(byte[] input, Failure failure)
    {
        var file = Path.Combine(_crashes, NameOf(Encoding.UTF8.GetBytes(failure.Kind)));
        if (File.Exists(file) && new FileInfo(file).Length <= input.Length) return null;
        File.WriteAllBytes(file, input);
        File.WriteAllText($"{file}.txt", $"{failure.Kind}\n\n{failure.What}\n", s_anyText);
        return file;
    }

    private static string NameOf(byte[] content) => Convert.ToHexStringLower(SHA256.HashData(content))[..NameLength];
}
