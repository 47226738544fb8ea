namespace DiffSynthSharp.Tests;

/// <summary>Where the checkout is, found from the test program upwards.</summary>
internal static class Repository
{
    public static string Root { get; } = Find();

    public static string Fixture(string relative) => Path.Combine(Root, "tests", "Fixtures", relative);

    private static string Find()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            if (File.Exists(Path.Combine(folder.FullName, "DiffSynthSharp.slnx"))) return folder.FullName;
        throw new DirectoryNotFoundException("DiffSynthSharp.slnx was not found above the test program.");
    }
}
