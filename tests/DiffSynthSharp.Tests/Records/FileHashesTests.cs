using DiffSynthSharp.Records;

namespace DiffSynthSharp.Tests.Records;

public sealed class FileHashesTests
{
    private const string Nothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    [Fact]
    public void An_empty_file_has_the_hash_of_nothing()
    {
        using var file = new TemporaryFile(".safetensors");
        File.WriteAllBytes(file.Path, []);
        Assert.Equal(Nothing, FileHashes.Of(file.Path));
        Assert.Equal(Nothing, FileHashes.OfTensors(file.Path));
    }

    [Fact]
    public void A_device_that_never_ends_is_not_read()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Windows has no such files.");
        Assert.Equal(Nothing, FileHashes.Of("/dev/zero"));
    }

    [Fact]
    public void A_missing_file_is_an_error() => Assert.Contains("cannot be read", Assert.Throws<DiffSynthException>(() => FileHashes.Of("no-such-file")).Message);
}
