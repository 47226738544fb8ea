using DiffSynthSharp.Runtime;
using DiffSynthSharp.Tests.Shared;
using TorchSharp;

[assembly: AssemblyFixture(typeof(TorchSetup))]

namespace DiffSynthSharp.Tests.Shared;

/// <summary>Loads libtorch before the first test runs, and not when tests are only listed. Tests run side by side, so each uses one thread.</summary>
public sealed class TorchSetup
{
    public TorchSetup()
    {
        TorchRuntime.EnsureLoaded();
        torch.set_num_threads(1);
    }
}
