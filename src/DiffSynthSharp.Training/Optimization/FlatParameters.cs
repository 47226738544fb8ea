using DiffSynthSharp.Layers;
using static TorchSharp.torch;

namespace DiffSynthSharp.Training.Optimization;

/// <summary>
/// All parameters of one or more networks as views of a single float32 vector, so that an optimizer step, an average and a checkpoint
/// are each a few operations on one tensor.
/// </summary>
internal sealed class FlatParameters : IDisposable
{
    private readonly List<(Leaf Leaf, string Name, long[] Shape, long Offset)> _places = [];
    private readonly List<TorchSharp.Modules.Parameter> _parameters = [];

    /// <param name="networks">Networks whose parameters still lie on META; they are filled with zeros.</param>
    public FlatParameters(params nn.Module[] networks)
    {
        long count = 0;
        foreach (var network in networks)
            foreach (var (_, module) in network.named_modules())
                if (module is Leaf leaf)
                    foreach (var (name, parameter) in leaf.named_parameters(recurse: false))
                    {
                        _places.Add((leaf, name, parameter.shape, count));
                        count += parameter.numel();
                    }
        Values = zeros(count).DetachFromDisposeScope();
        Bind();
    }

    /// <summary>The vector itself.</summary>
    public Tensor Values { get; }

    public long Count => Values.numel();

    /// <summary>One parameter by its leaf and name, for initialisation; writing to it writes into <see cref="Values"/>.</summary>
    public IEnumerable<(Leaf Leaf, string Name, Tensor Value)> Each() => _places.Select((place, i) => (place.Leaf, place.Name, (Tensor)_parameters[i]));

    /// <summary>The gradient of a loss over all parameters.</summary>
    /// <returns>(<see cref="Count"/>) float32</returns>
    public Tensor Gradient(Tensor loss)
    {
        using var scope = NewDisposeScope();
        var gradients = autograd.grad([loss], [.. _parameters]);
        return cat([.. gradients.Select(gradient => AsStored(gradient).reshape(-1))]).MoveToOuterDisposeScope();
    }

    // Convolution weights are channels-last in memory, so the vector holds them in (out, height, width, in) order.
    private static Tensor AsStored(Tensor value) => value.dim() == 4 ? value.permute(0, 2, 3, 1) : value;

    private void Bind()
    {
        using var scope = NewDisposeScope();
        foreach (var (leaf, name, shape, offset) in _places)
        {
            var slice = Values.narrow(0, offset, shape.Aggregate(1L, (a, b) => a * b));
            var view = shape.Length == 4 ? slice.view(shape[0], shape[2], shape[3], shape[1]).permute(0, 3, 1, 2) : slice.view(shape);
            leaf.Assign(name, view.detach(), trainable: true);
            _parameters.Add((TorchSharp.Modules.Parameter)leaf.named_parameters(recurse: false).Single(parameter => parameter.name == name).parameter);
        }
    }

    public void Dispose() => Values.Dispose();
}
