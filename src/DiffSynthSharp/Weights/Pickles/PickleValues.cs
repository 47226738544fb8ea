namespace DiffSynthSharp.Weights.Pickles;

// What a pickle can leave on the stack, besides numbers (long, BigInteger, double, bool), strings, null, and tuples (object?[]).

/// <summary>The name of a class or function. It is never looked up.</summary>
internal sealed record PickleGlobal(string Module, string Name)
{
    private readonly string _text = $"{Module}.{Name}";

    /// <summary>Module and name as Python writes them.</summary>
    public override string ToString() => _text;
}

/// <summary>A list or a set.</summary>
internal sealed class PickleList
{
    private List<object?>? _items;

    /// <summary>The elements.</summary>
    public IReadOnlyList<object?> Items => _items ?? (IReadOnlyList<object?>)[];

    /// <summary>Adds an element at the end.</summary>
    public void Add(object? item) => (_items ??= new(1)).Add(item);
}

/// <summary>A dictionary, ordered or not.</summary>
/// <param name="pairs">The list of pairs that it was made from, or null.</param>
internal sealed class PickleDict(PickleList? pairs = null)
{
    private List<(object? Key, object? Value)>? _items;

    /// <summary>Sets an element; of several with one key the last counts.</summary>
    public void Add(object? key, object? value) => (_items ??= new(1)).Add((key, value));

    /// <summary>The elements in the order they were set.</summary>
    public IEnumerable<(object? Key, object? Value)> Items
    {
        get
        {
            foreach (var pair in pairs?.Items ?? [])
            {
                if (pair is object?[] { Length: 2 } tuple) yield return (tuple[0], tuple[1]);
                if (pair is PickleList { Items.Count: 2 } list) yield return (list.Items[0], list.Items[1]);
            }
            foreach (var item in _items ?? []) yield return item;
        }
    }

    /// <summary>The value of a text key, or null.</summary>
    public object? Find(string key) => Items.LastOrDefault(item => item.Key is string text && text == key).Value;
}

/// <summary>An instance of a class that means nothing to a reader of weights, kept as a stand-in.</summary>
/// <param name="type">The class, where it is known.</param>
internal sealed class PickleObject(PickleGlobal? type)
{
    /// <summary>An object whose class is unknown.</summary>
    public static readonly PickleObject Opaque = new(null);

    /// <summary>The class, where it is known.</summary>
    public PickleGlobal? Type => type;

    /// <summary>What BUILD set, or null.</summary>
    public object? State { get; set; }
}

/// <summary>A run of elements that tensors are views of; the bytes lie outside the pickle.</summary>
/// <param name="Key">Its name in the file.</param>
/// <param name="Type">Element type; null for bytes whose type the tensor states.</param>
/// <param name="Elements">Number of elements, or of bytes when untyped.</param>
internal sealed record PickleStorage(string Key, StoredType? Type, long Elements)
{
    /// <summary>Bytes; cannot overflow.</summary>
    public long Bytes => Elements * (Type?.Size() ?? 1);
}

/// <summary>A tensor as the pickle describes it, not yet validated.</summary>
/// <param name="Storage">Where its elements lie.</param>
/// <param name="Type">Its element type.</param>
/// <param name="Arguments">What the function that rebuilds it was given: storage, offset, size, stride, ...</param>
internal sealed record PickleTensor(PickleStorage Storage, StoredType Type, object?[] Arguments);
