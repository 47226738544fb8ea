using static TorchSharp.torch;

namespace DiffSynthSharp.Memory;

/// <summary>The device a user names.</summary>
internal static class DeviceChoice
{
    /// <param name="name">"cpu", "cuda" or "cuda:N".</param>
    /// <exception cref="DiffSynthException">The name is unknown, or the device isn't there.</exception>
    public static Device Parse(string name)
    {
        if (name == "cpu") return CPU;
        var parts = name.Split(':');
        var index = 0;
        if (parts[0] != "cuda" || parts.Length > 2 || parts.Length == 2 && (!int.TryParse(parts[1], out index) || index < 0))
            throw new DiffSynthException($"There is no device '{name}'. Known: cpu, cuda, cuda:N.");
        if (!cuda.is_available())
            throw new DiffSynthException($"Device '{name}' isn't available: this build's libtorch sees no CUDA GPU. Use --device cpu, or build with -p:TorchBackend=cuda.");
        return index < cuda.device_count() ? new Device(TorchSharp.DeviceType.CUDA, index) : throw new DiffSynthException($"Device '{name}' isn't there: {cuda.device_count()} GPUs are visible.");
    }
}
