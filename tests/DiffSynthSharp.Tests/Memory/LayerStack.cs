using DiffSynthSharp.Layers;
using DiffSynthSharp.Weights;
using static TorchSharp.torch;

namespace DiffSynthSharp.Tests.Memory;

/// <summary>A network of a table and linear layers, with a file that fills it.</summary>
internal sealed class LayerStack : nn.Module<Tensor, Tensor>
{
    [Key("table")] private readonly Embedding _table;
    [Key("layers")] private readonly TorchSharp.Modules.ModuleList<Linear> _layers = [];
    [Key("wide")] private readonly Linear _wide;

    /// <param name="width">Of every layer; at least 512, or weights are too small to be held.</param>
    /// <param name="count">Layers from width to width.</param>
    /// <param name="outputs">Of the last layer; computed in panels when there are many.</param>
    public LayerStack(long width, int count, long outputs) : base(nameof(LayerStack))
    {
        _table = new Embedding(512, width);
        for (var i = 0; i < count; i++) _layers.Add(new Linear(width, width));
        _wide = new Linear(width, outputs, bias: false);
        RegisterComponents();
    }

    /// <summary>Called after each layer.</summary>
    public Action? Observer { get; set; }

    /// <summary>Whether layers are used in another order than that of their names.</summary>
    public bool IsBackwards { get; init; }

    public Linear First => _layers[0];

    /// <param name="ids">int64 (B)</param>
    /// <returns>(B, outputs)</returns>
    public override Tensor forward(Tensor ids)
    {
        using var scope = NewDisposeScope();
        var x = _table.forward(ids);
        foreach (var layer in IsBackwards ? _layers.Reverse() : _layers)
        {
            BlockBorder.Cross();
            x = layer.forward(x).tanh();
            Observer?.Invoke();
        }
        return _wide.forward(x).MoveToOuterDisposeScope();
    }

    /// <summary>Writes a file with small random weights.</summary>
    /// <param name="path">The file.</param>
    /// <param name="type">Of the matrices; vectors are float32.</param>
    /// <param name="isScaled">Whether every matrix has a scale beside it.</param>
    public void Write(string path, ScalarType type, bool isScaled = false)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(3, CPU);
        var tensors = new List<(string, Tensor)>();
        foreach (var (name, parameter) in named_parameters())
        {
            var values = rand(parameter.shape, generator: generator) - 0.5f;
            if (parameter.dim() == 1) tensors.Add((name, values * 0.1f));
            else tensors.Add((name, (isScaled ? values : values * 0.1f).to(type)));
            if (isScaled && parameter.dim() == 2) tensors.Add((name[..^"weight".Length] + "scale_weight", tensor(0.1f)));
        }
        SafetensorsWriter.Write(path, tensors);
    }
}
