namespace DiffSynthSharp.Fuzz;

/// <summary>All targets.</summary>
public static class FuzzTargets
{
    /// <summary>By name.</summary>
    public static IReadOnlyList<FuzzTarget> All { get; } =
    [
        .. typeof(FuzzTarget).Assembly.GetTypes().Where(type => type.IsSubclassOf(typeof(FuzzTarget)) && !type.IsAbstract)
            .Select(type => (FuzzTarget)Activator.CreateInstance(type, nonPublic: true)!).OrderBy(target => target.Name, StringComparer.Ordinal),
    ];

    /// <summary>The target of a name.</summary>
    /// <exception cref="DiffSynthException">There is none.</exception>
    public static FuzzTarget Find(string name) => All.FirstOrDefault(target => target.Name == name)
        ?? throw new DiffSynthException($"There is no target '{name}'; known are {string.Join(", ", All.Select(target => target.Name))}.");
}
