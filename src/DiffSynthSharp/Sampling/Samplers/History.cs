using static TorchSharp.torch;

namespace DiffSynthSharp.Sampling.Samplers;

/// <summary>The last few tensors of a multistep method, newest first. They outlive the step that made them.</summary>
internal sealed class History(int capacity)
{
    private readonly List<Tensor> _tensors = [];

    public int Count => _tensors.Count;

    /// <param name="age">0 is the newest.</param>
    public Tensor this[int age] => _tensors[age];

    /// <summary>Keeps a tensor of the current step and forgets the oldest.</summary>
    public Tensor Push(Tensor value)
    {
        var kept = value.alias().MoveToOuterDisposeScope();
        _tensors.Insert(0, kept);
        if (_tensors.Count > capacity)
        {
            _tensors[^1].Dispose();
            _tensors.RemoveAt(_tensors.Count - 1);
        }
        return kept;
    }
}
