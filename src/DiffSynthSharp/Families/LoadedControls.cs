using DiffSynthSharp.Models.Control;

namespace DiffSynthSharp.Families;

/// <summary>ControlNets of a model, which stay loaded from one request to the next as long as their files don't change.</summary>
/// <param name="load">Opens a file or folder.</param>
internal sealed class LoadedControls(Func<string, ControlNet> load) : IDisposable
{
    private readonly Dictionary<FileStamp, ControlNet> _networks = [];

    /// <summary>The networks of these files, in their order. Others are freed: a ControlNet is as large as half a model.</summary>
    /// <exception cref="DiffSynthException">A file is missing, damaged, or doesn't fit the model.</exception>
    public IReadOnlyList<ControlNet> Use(IEnumerable<string> paths)
    {
        var stamps = paths.Select(path => (Stamp: FileStamp.Of(path), Path: path)).ToList();
        foreach (var stamp in _networks.Keys.Except(stamps.Select(pair => pair.Stamp)).ToList())
        {
            _networks[stamp].Dispose();
            _networks.Remove(stamp);
        }
        return [.. stamps.Select(pair => _networks.TryGetValue(pair.Stamp, out var known) ? known : _networks[pair.Stamp] = load(pair.Path))];
    }

    public void Dispose()
    {
        foreach (var network in _networks.Values) network.Dispose();
        _networks.Clear();
    }

    /// <summary>Tells whether a file, or what lies in a folder, is still what it was.</summary>
    private readonly record struct FileStamp(string Path, long Length, DateTime Time)
    {
        public static FileStamp Of(string path)
        {
            var files = Directory.Exists(path) ? new DirectoryInfo(path).GetFiles() : [new FileInfo(path)];
            var there = files.Where(file => file.Exists).ToList();
            return new(System.IO.Path.GetFullPath(path), there.Sum(file => file.Length), there.Select(file => file.LastWriteTimeUtc).DefaultIfEmpty().Max());
        }
    }
}
