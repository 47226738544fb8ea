using SharpFuzz;

namespace DiffSynthSharp.Fuzz;

/// <summary>Makes a copy of this program whose library tells which branches it takes.</summary>
internal static class Instrumentation
{
    private const string Library = "DiffSynthSharp.dll";

    // What runs before or below every reader and says nothing about the input.
    private static readonly string[] s_leftOut = ["DiffSynthSharp.Kernels.", "DiffSynthSharp.Layers.", "DiffSynthSharp.Runtime.", "DiffSynthSharp.Benchmarking."];

    /// <summary>Copies the program and instruments the library in the copy.</summary>
    /// <param name="folder">Is made anew.</param>
    public static void Make(string folder)
    {
        if (Directory.Exists(folder)) Directory.Delete(folder, recursive: true);
        Directory.CreateDirectory(folder);
        foreach (var file in Directory.GetFiles(AppContext.BaseDirectory)) File.Copy(file, Path.Combine(folder, Path.GetFileName(file)));
        // libtorch is large and stays as it is.
        Directory.CreateSymbolicLink(Path.Combine(folder, "native"), Path.Combine(AppContext.BaseDirectory, "native"));
        if (Directory.Exists(Path.Combine(AppContext.BaseDirectory, "runtimes")))
            Directory.CreateSymbolicLink(Path.Combine(folder, "runtimes"), Path.Combine(AppContext.BaseDirectory, "runtimes"));
        Fuzzer.Instrument(Path.Combine(folder, Library), type => !s_leftOut.Any(left => type.StartsWith(left, StringComparison.Ordinal)), Options.Value);
    }
}
