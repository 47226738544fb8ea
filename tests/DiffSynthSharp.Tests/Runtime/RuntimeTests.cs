using System.Runtime.InteropServices;
using DiffSynthSharp.Runtime;
using DiffSynthSharp.Tests.Generation;
using static TorchSharp.torch;

namespace DiffSynthSharp.Tests.Runtime;

[Collection(nameof(LeakTests))]
public sealed class RuntimeTests
{
    private static bool IsLinuxX64 => OperatingSystem.IsLinux() && RuntimeInformation.ProcessArchitecture == Architecture.X64;

    [Fact]
    public void The_shipped_binding_is_repaired_once_and_then_needs_nothing()
    {
        Assert.SkipUnless(IsLinuxX64, "The repair is for Linux on x64.");
        var image = File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "native", "libLibTorchSharp.so"));
        var shipped = image.ToArray();
        Assert.True(GlibcxxRepair.Repair(image));
        Assert.InRange(shipped.Zip(image).Count(pair => pair.First != pair.Second), 1, 8);
        Assert.False(GlibcxxRepair.Repair(image));
    }

    [Fact]
    public void A_file_that_is_no_library_is_left_alone()
    {
        var text = "not an ELF file, but longer than an ELF header is, so that only its magic can tell"u8.ToArray();
        var before = text.ToArray();
        Assert.False(GlibcxxRepair.Repair(text));
        Assert.Equal(before, text);
    }

    [Fact]
    public void Large_blocks_are_kept_for_reuse_until_they_are_trimmed()
    {
        Assert.SkipUnless(IsLinuxX64, "The caching allocator is for Linux on x64.");
        Assert.True(CachingAllocator.Installed);
        CachingAllocator.Trim();
        var bytes = 64L << 20;
        zeros(bytes / 4).Dispose();
        var cached = CachingAllocator.CachedBytes;
        Assert.InRange(cached, bytes, bytes + bytes / 8);
        using (zeros(bytes / 4)) Assert.Equal(0, CachingAllocator.CachedBytes);
        CachingAllocator.Trim();
        Assert.Equal(0, CachingAllocator.CachedBytes);
    }

    [Fact]
    public void Blocks_of_every_size_hold_what_was_written()
    {
        using var scope = NewDisposeScope();
        foreach (var count in new long[] { 1, 1000, 65_535, 65_536, 300_000, 1_000_003, 12_000_000 })
            Assert.Equal(count - 1, (double)arange(count, dtype: ScalarType.Float32)[count - 1].item<float>());
        Assert.Equal(0, zeros(0).numel());
    }

    [Fact]
    public void Native_code_is_asked_for_a_short_spin_unless_the_user_asked_for_something()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Other systems' OpenMP has no such variable.");
        var asked = Environment.GetEnvironmentVariable(ThreadWaiting.SpinCount);
        if (Environment.GetEnvironmentVariable("OMP_WAIT_POLICY") is null) Assert.Equal(asked ?? "10000", ThreadWaiting.Native(ThreadWaiting.SpinCount));
        else Assert.Equal(asked, ThreadWaiting.Native(ThreadWaiting.SpinCount));
    }
}
