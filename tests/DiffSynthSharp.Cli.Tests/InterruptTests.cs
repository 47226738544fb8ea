using System.Diagnostics;
using DiffSynthSharp.Tests;
using DiffSynthSharp.Tests.Generation;

namespace DiffSynthSharp.Cli.Tests;

public sealed class InterruptTests
{
    [Fact]
    public async Task Ctrl_C_stops_a_running_job_at_once_with_130_and_no_file()
    {
        if (OperatingSystem.IsWindows()) Assert.Skip("Windows has no signal that a test can send to one process alone.");
        using var folder = new TemporaryFolder();
        var start = new ProcessStartInfo("dotnet") { RedirectStandardError = true, RedirectStandardOutput = true, WorkingDirectory = folder.Path };
        string[] arguments =
        [
            Path.Combine(AppContext.BaseDirectory, "diffsynth.dll"), "generate", "a car", "--model", TinyModel.Folder, "--steps", "900", "--sampler", "ddim",
            "--size", "128x128", "--threads", "1",
        ];
        foreach (var argument in arguments) start.ArgumentList.Add(argument);
        using var process = Process.Start(start)!;
        var told = new List<string>();
        while (await process.StandardError.ReadLineAsync() is { } line && !line.StartsWith("step 1/", StringComparison.Ordinal)) told.Add(line);
        Assert.False(process.HasExited, string.Join('\n', told));
        using (var kill = Process.Start("kill", ["-INT", $"{process.Id}"])) await kill.WaitForExitAsync();
        var clock = Stopwatch.StartNew();
        var rest = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.Equal(130, process.ExitCode);
        Assert.EndsWith("Stopped.", rest.TrimEnd());
        Assert.InRange(clock.Elapsed.TotalSeconds, 0, 30);
        Assert.Empty(Directory.EnumerateFileSystemEntries(folder.Path));
    }
}
