using System.Diagnostics;
using System.Text.RegularExpressions;
using DiffSynthSharp.Imaging;
using DiffSynthSharp.Tests;

namespace DiffSynthSharp.Cli.Tests;

/// <summary>What `dotnet pack` makes is used as a stranger would use it: by a fresh project, and installed as a tool. Leave it out with <c>--filter Category!=Packages</c>.</summary>
[Trait("Category", "Packages")]
public sealed partial class PackageTests
{
    private static string Cache => Environment.GetEnvironmentVariable("NUGET_PACKAGES")
        ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");

    [Fact]
    public async Task The_packages_serve_a_fresh_project_and_install_the_tool()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Written for one platform's paths.");
        using var folder = new TemporaryFolder();
        var cli = Path.Combine(Repository.Root, "src", "DiffSynthSharp.Cli");
        foreach (var project in new[] { Path.Combine(Repository.Root, "src", "DiffSynthSharp"), cli })
            await Run(folder.Path, "dotnet", "pack", "-c", "Release", project, "--artifacts-path", folder["artifacts"], $"-p:PackageOutputPath={folder["feed"]}");
        await AFreshProjectRunsTheReadmesProgram(folder);
        await TheToolMakesAPicture(folder);
    }

    private static async Task AFreshProjectRunsTheReadmesProgram(TemporaryFolder folder)
    {
        var project = Directory.CreateDirectory(folder["fresh"]).FullName;
        var readme = await File.ReadAllTextAsync(Path.Combine(Repository.Root, "README.md"));
        await File.WriteAllTextAsync(Path.Combine(project, "Program.cs"), ReadmeProgram().Match(readme).Groups[1].Value);
        await File.WriteAllTextAsync(Path.Combine(project, "fresh.csproj"), $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <OutputType>Exe</OutputType>
                <TargetFramework>net10.0</TargetFramework>
                <ImplicitUsings>enable</ImplicitUsings>
                <NuGetAudit>false</NuGetAudit>
                <RestoreSources>{folder["feed"]}</RestoreSources>
                <RestorePackagesPath>{folder["packages"]}</RestorePackagesPath>
                <RestoreFallbackFolders>{Cache}</RestoreFallbackFolders>
              </PropertyGroup>
              <ItemGroup>
                <PackageReference Include="DiffSynthSharp" Version="*" />
                <PackageReference Include="libtorch-cpu-linux-x64" Version="2.10.0" />
              </ItemGroup>
            </Project>
            """);
        Directory.CreateSymbolicLink(Path.Combine(project, "models"), Path.Combine(Repository.Root, "models"));
        await Run(project, "dotnet", "run", "-c", "Release");
        Assert.Equal(128, Picture.Load(Path.Combine(project, "car.png")).Width);
    }

    private static async Task TheToolMakesAPicture(TemporaryFolder folder)
    {
        await Run(folder.Path, "dotnet", "tool", "install", "DiffSynthSharp.Cli", "--tool-path", folder["tools"], "--source", folder["feed"]);
        var tool = Path.Combine(folder["tools"], "diffsynth");
        Assert.Matches(@"^\d+\.\d+\.\d+", await Run(folder.Path, tool, "--version"));
        await Run(folder.Path, tool, "generate", "a red car", "--steps", "2", "--size", "64x64", "-o", folder["tool.png"]);
        Assert.Equal(64, Picture.Load(folder["tool.png"]).Width);
    }

    private static async Task<string> Run(string folder, string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (name, value) in new[] { ("DOTNET_NOLOGO", "1"), ("DOTNET_CLI_TELEMETRY_OPTOUT", "1"), ("MSBUILDDISABLENODEREUSE", "1") })
            start.Environment[name] = value;
        if (program != "dotnet" || arguments[0] == "tool") start.Environment["DOTNET_CLI_HOME"] = folder;
        if (arguments[0] == "tool") start.Environment["NUGET_PACKAGES"] = Path.Combine(folder, "packages");
        using var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEndAsync();
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, $"{program} {string.Join(' ', arguments)} ended with {process.ExitCode}: {output}{await error}");
        return output;
    }

    [GeneratedRegex("```csharp\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex ReadmeProgram();
}
