namespace DiffSynthSharp.Tests;

/// <summary>A file name that nobody else uses; the file is deleted with it.</summary>
public sealed class TemporaryFile(string extension) : IDisposable
{
    public string Path { get; } = System.IO.Path.Combine(System.IO.Path.GetTempPath(), $"diffsynth-{Guid.NewGuid():N}{extension}");

    public void Dispose() => File.Delete(Path);
}

/// <summary>An empty folder that is deleted with all it holds.</summary>
public sealed class TemporaryFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("diffsynth-").FullName;

    public string this[string relative] => System.IO.Path.Combine(Path, relative);

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
