using System.Runtime.InteropServices;

namespace DiffSynthSharp.Runtime;

/// <summary>
/// Brings libtorch into the process before any type of TorchSharp is touched.
/// </summary>
/// <remarks>
/// The libraries are loaded by absolute path in dependency order; TorchSharp's own loads by name then find them by SONAME
/// (dotnet/TorchSharp, src/TorchSharp/Torch.cs, LoadNativeBackend). The folder is <c>DIFFSYNTH_LIBTORCH</c> when that is set (an
/// unpacked libtorch 2.10 or 2.11, or a Python environment's <c>site-packages/torch/lib</c>), else <c>native</c> beside the program, else where
/// NuGet puts the natives of a libtorch package that the program's project refers to.
/// </remarks>
public static class TorchRuntime
{
    private static readonly Lock s_gate = new();
    private static bool s_loaded;

    /// <summary>The environment variable that names an existing libtorch folder.</summary>
    public const string FolderVariable = "DIFFSYNTH_LIBTORCH";

    /// <summary>Loads libtorch once; later calls return at once.</summary>
    /// <exception cref="DiffSynthException">The libraries are missing or don't fit this system; the message says which and what to do.</exception>
    public static void EnsureLoaded()
    {
        lock (s_gate)
        {
            if (s_loaded) return;
            var named = Environment.GetEnvironmentVariable(FolderVariable);
            ThreadWaiting.KeepShort();
            LoadLibtorch(string.IsNullOrEmpty(named) ? FolderWith(LibraryNames().First(name => name.Required).File) : named);
            LoadBinding();
            if (OperatingSystem.IsLinux() && RuntimeInformation.ProcessArchitecture == Architecture.X64) CachingAllocator.Install();
            s_loaded = true;
        }
    }

    private static string Platform
        => $"{(OperatingSystem.IsWindows() ? "win" : OperatingSystem.IsMacOS() ? "osx" : "linux")}-{RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant()}";

    // Our own programs' folder, a portable program's, a published one's.
    private static string FolderWith(string file)
    {
        string[] folders = [Path.Combine(AppContext.BaseDirectory, "native"), Path.Combine(AppContext.BaseDirectory, "runtimes", Platform, "native"), AppContext.BaseDirectory];
        return folders.FirstOrDefault(folder => File.Exists(Path.Combine(folder, file))) ?? throw new DiffSynthException(
            $"The libtorch libraries are missing: there is no '{file}' in '{folders[0]}' or '{folders[1]}'. "
            + $"Add the package libtorch-cpu-{Platform}, version 2.10.0, to the project, or set {FolderVariable} to a libtorch 2.10 folder.");
    }

    private static void LoadLibtorch(string folder)
    {
        if (!Directory.Exists(folder))
            throw new DiffSynthException($"{FolderVariable} names '{folder}', which is not a folder. Point it at libtorch's 'lib' folder or unset it.");
        foreach (var name in LibraryNames())
        {
            var path = Path.Combine(folder, name.File);
            if (File.Exists(path)) LoadOne(path);
            else if (name.Required) throw new DiffSynthException($"'{name.File}' is missing from '{folder}'. Expected a complete libtorch 2.10 or 2.11.");
        }
    }

    private static IEnumerable<(string File, bool Required)> LibraryNames()
    {
        if (OperatingSystem.IsWindows())
            return [("uv.dll", false), ("libiomp5md.dll", false), ("c10.dll", true), ("torch_cpu.dll", true), ("c10_cuda.dll", false), ("torch_cuda.dll", false), ("torch.dll", false)];
        if (OperatingSystem.IsMacOS())
            return [("libomp.dylib", false), ("libc10.dylib", true), ("libtorch_cpu.dylib", true), ("libtorch.dylib", false)];
        return [("libtorch_global_deps.so", false), ("libc10.so", true), ("libtorch_cpu.so", true), ("libc10_cuda.so", false), ("libtorch_cuda.so", false), ("libtorch.so", false)];
    }

    private static void LoadBinding()
    {
        var file = OperatingSystem.IsWindows() ? "LibTorchSharp.dll" : OperatingSystem.IsMacOS() ? "libLibTorchSharp.dylib" : "libLibTorchSharp.so";
        var path = Path.Combine(FolderWith(file), file);
        if (NativeLibrary.TryLoad(path, out _)) return;
        if (!OperatingSystem.IsLinux() || !GlibcxxRepair.TryLoadRepaired(path)) LoadOne(path);
    }

    private static void LoadOne(string path)
    {
        try
        {
            NativeLibrary.Load(path);
        }
        catch (Exception e) when (e is DllNotFoundException or BadImageFormatException)
        {
            throw new DiffSynthException($"'{path}' could not be loaded on {RuntimeInformation.RuntimeIdentifier}: {e.Message.ReplaceLineEndings(" ").Trim()}", e);
        }
    }
}
