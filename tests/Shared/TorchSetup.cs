using System.Runtime.CompilerServices;
using DiffSynthSharp.Runtime;
using TorchSharp;

namespace DiffSynthSharp.Tests.Shared;

/// <summary>Loads libtorch before any test runs. Tests run side by side, so each uses one thread.</summary>
internal static class TorchSetup
{
    [ModuleInitializer]
    internal static void Initialize()
    {
        TorchRuntime.EnsureLoaded();
        torch.set_num_threads(1);
    }
}
