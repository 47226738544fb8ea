using DiffSynthSharp.Runtime;
using DiffSynthSharp.Tests.Shared;
using TorchSharp;

[assembly: AssemblyFixture(typeof(TorchSetup))]

// TorchSharp 0.107 hands a Scalar's address to libtorch without keeping the Scalar alive: a collection that another thread sets off in
// that moment frees it ("Exception raised from toDouble"). One test at a time has no such other thread; the product's tensor code is single-threaded too.
[assembly: CollectionBehavior(DisableTestParallelization = true)]

namespace DiffSynthSharp.Tests.Shared;

/// <summary>Loads libtorch before the first test runs, and not when tests are only listed. The projects' tests run side by side, so each uses one thread.</summary>
public sealed class TorchSetup
{
    public TorchSetup()
    {
        TorchRuntime.EnsureLoaded();
        torch.set_num_threads(1);
    }
}
