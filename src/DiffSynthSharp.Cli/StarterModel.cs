namespace DiffSynthSharp.Cli;

/// <summary>The small model that comes with the program.</summary>
internal static class StarterModel
{
    private static readonly string s_relative = Path.Combine("models", "starter");

    /// <summary>Its folder beside the program, or in the checkout that the program was built in; null when there is none.</summary>
    public static string? Folder()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            if (File.Exists(Path.Combine(folder.FullName, s_relative, "model_index.json"))) return Path.Combine(folder.FullName, s_relative);
        return null;
    }

    /// <summary>The model that a user named, or else the starter model.</summary>
    /// <exception cref="DiffSynthException">Neither is there.</exception>
    public static string Or(string? named)
        => named ?? Folder() ?? throw new DiffSynthException(
            $"No model is named, and the starter model is not in '{Path.Combine(AppContext.BaseDirectory, s_relative)}'. "
            + "Name a checkpoint file or a model folder with --model.");
}
