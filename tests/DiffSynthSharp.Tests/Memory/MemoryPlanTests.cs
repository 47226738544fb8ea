using DiffSynthSharp.Families;
using DiffSynthSharp.Memory;

namespace DiffSynthSharp.Tests.Memory;

public sealed class MemoryPlanTests
{
    private const long Giga = 1_000_000_000;

    private static readonly WeightSizes s_large = new(24 * Giga, 48 * Giga);

    [Theory]
    [InlineData(100, "full")]
    [InlineData(60, "balanced")]
    [InlineData(20, "low")]
    public void What_is_free_decides(long free, string mode)
    {
        var plan = MemoryPlan.Choose(s_large, free * Giga);
        Assert.Equal(mode, plan.Mode.ToString().ToLowerInvariant());
        Assert.Equal(mode == "low" ? 20 * Giga / 8 : long.MaxValue, plan.Budget);
        Assert.Contains($"memory: {mode}", plan.Reason);
        Assert.Contains($"{free}.0 GB free", plan.Reason);
    }

    [Fact]
    public void A_stated_mode_and_budget_count()
    {
        Assert.Equal(new(MemoryMode.Balanced, long.MaxValue), Choose(20, MemoryMode.Balanced, null));
        Assert.Equal(new(MemoryMode.Low, 3 * Giga), Choose(100, null, 3 * Giga));
        Assert.Equal(new(MemoryMode.Low, 3 * Giga), Choose(100, MemoryMode.Low, 3 * Giga));
        Assert.Equal(new(MemoryMode.Balanced, long.MaxValue), Choose(100, null, 30 * Giga));
        Assert.Throws<DiffSynthException>(() => Choose(100, null, 0));
    }

    private static (MemoryMode Mode, long Budget) Choose(long free, MemoryMode? mode, long? budget)
    {
        var plan = MemoryPlan.Choose(s_large, free * Giga, mode, budget);
        return (plan.Mode, plan.Budget);
    }

    [Fact]
    public void What_a_file_stores_decides_not_what_it_widens_to()
    {
        using var files = ModelFiles.Open(Repository.Fixture("goldens/gguf/flux-kquants.gguf"));
        var family = FamilyCatalogue.Find(files)!;
        var entries = files.Entries.ToList();
        var (stored, widened) = (entries.Sum(entry => entry.StoredBytes), entries.Sum(entry => entry.Elements * sizeof(float)));
        Assert.True(4 * stored < widened);
        MemoryMode With(long room) => ModelWeights.PlanOf(files, family, new(), (long)(room / 0.6) + 2).Mode;
        Assert.Equal([MemoryMode.Full, MemoryMode.Balanced, MemoryMode.Balanced, MemoryMode.Low], new[] { widened, widened - 10, stored, stored - 10 }.Select(With));
    }

    [Fact]
    public void Something_is_free() => Assert.InRange(FreeMemory.Bytes(), 1, long.MaxValue - 1);
}
