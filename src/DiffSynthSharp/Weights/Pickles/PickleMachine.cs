namespace DiffSynthSharp.Weights.Pickles;

/// <summary>
/// Reads pickles as data: a stack, marks and a memo, but no imports and no calls. Classes and functions stay names; those that tensors and plain containers are
/// made of become inert descriptions, harmless others opaque stand-ins, dangerous ones an error.
/// </summary>
/// <remarks>Instruction set: CPython's Lib/pickletools.py, protocols 0 to 5. Storages are named by persistent ids, as torch/serialization.py writes
/// them.</remarks>
internal sealed class PickleMachine(PickleInput input)
{
    // A checkpoint of a thousand tensors takes forty thousand steps; the limit keeps a hostile pickle's objects below a few hundred megabytes.
    private const int MaxSteps = 2_000_000;

    private readonly List<object?> _stack = [];
    private readonly List<int> _marks = [];
    private readonly List<object?> _memo = [];
    private readonly Dictionary<uint, object?> _sparseMemo = [];
    private readonly Dictionary<string, PickleStorage> _storages = [];
    private int _steps;

    /// <summary>The bytes being read.</summary>
    public PickleInput Input => input;

    /// <summary>Every storage that a persistent id named, by key.</summary>
    public IReadOnlyDictionary<string, PickleStorage> Storages => _storages;

    /// <summary>Number of memo entries, which numbers the next MEMOIZE.</summary>
    public uint MemoCount => (uint)(_memo.Count + _sparseMemo.Count);

    /// <summary>Reads one pickle to its STOP.</summary>
    /// <returns>The object that it describes.</returns>
    /// <exception cref="DiffSynthException">It is malformed, too large, or names something that is refused.</exception>
    public object? Run()
    {
        _stack.Clear();
        _marks.Clear();
        _memo.Clear();
        _sparseMemo.Clear();
        while (true)
        {
            if (++_steps > MaxSteps) throw input.Malformed($"a pickle of more than {MaxSteps} steps");
            var opcode = input.Opcode();
            if (opcode == '.') return Pop();
            var operation = PickleOperations.Table[opcode] ?? throw input.Malformed($"an unknown pickle opcode 0x{opcode:x2}");
            operation(this);
        }
    }

    /// <summary>Puts a value on the stack.</summary>
    public void Push(object? value) => _stack.Add(value);

    /// <summary>Takes the topmost value; never one below the last mark.</summary>
    public object? Pop()
    {
        var top = Top();
        _stack.RemoveAt(_stack.Count - 1);
        return top;
    }

    /// <summary>The topmost value.</summary>
    public object? Top() => _stack.Count > (_marks.Count > 0 ? _marks[^1] : 0) ? _stack[^1] : throw input.Malformed("a malformed pickle (stack underflow)");

    /// <summary>Sets a mark.</summary>
    public void Mark() => _marks.Add(_stack.Count);

    /// <summary>Takes everything above the last mark, and the mark.</summary>
    public object?[] PopToMark()
    {
        if (_marks.Count == 0) throw input.Malformed("a malformed pickle (no mark)");
        var from = _marks[^1];
        _marks.RemoveAt(_marks.Count - 1);
        var items = _stack.GetRange(from, _stack.Count - from).ToArray();
        _stack.RemoveRange(from, items.Length);
        return items;
    }

    /// <summary>POP: the topmost value, or a mark that lies on top.</summary>
    public void Discard()
    {
        if (_marks.Count > 0 && _marks[^1] == _stack.Count) _marks.RemoveAt(_marks.Count - 1);
        else Pop();
    }

    /// <summary>Stores the topmost value under a number. Consecutive numbers, which every real pickle has, cost a list element each.</summary>
    public void Memoize(uint index)
    {
        var value = Top();
        if (index < _memo.Count) _memo[(int)index] = value;
        else if (index == _memo.Count) _memo.Add(value);
        else _sparseMemo[index] = value;
    }

    /// <summary>Pushes a stored value.</summary>
    public void Recall(uint index)
    {
        if (index < _memo.Count) Push(_memo[(int)index]);
        else if (_sparseMemo.TryGetValue(index, out var value)) Push(value);
        else throw input.Malformed($"a reference to memo entry {index}, which was never stored");
    }

    /// <summary>The class or function of a name, refused when it is dangerous.</summary>
    public PickleGlobal Global(object? module, object? name) => module is string path && name is string own
        ? PickleGlobals.Admit(input, path, own) : throw input.Malformed("a malformed pickle (a class without a name)");

    /// <summary>What a call would give, as a description.</summary>
    public void Call(object? function, object? arguments)
    {
        if (arguments is not object?[] given) throw input.Malformed("a malformed pickle (a call without a tuple of arguments)");
        Push(function switch
        {
            PickleGlobal global => PickleGlobals.Describe(input, global, given),
            PickleObject => PickleObject.Opaque,
            _ => throw input.Malformed("a malformed pickle (a call of something that is no function)"),
        });
    }

    /// <summary>A storage by its persistent id: <c>("storage", class, key, location, elements)</c>.</summary>
    public PickleStorage Storage(object? id)
    {
        if (id is not object?[] { Length: >= 5 } parts || parts[0] is not "storage")
            throw input.Malformed($"an unknown persistent id {Tag(id)}; only storages have one");
        if (parts.Length > 5 && parts[5] is not null)
            throw input.Malformed("a view of a storage, as PyTorch before 0.4 wrote them; save the file again with a newer version");
        if (parts[1] is not PickleGlobal type) throw input.Malformed("a storage without a type");
        if (parts[2] is not string key || key.Length is 0 or > 64 || key.Any(letter => !char.IsAsciiLetterOrDigit(letter) && letter is not ('_' or '-')))
            throw input.Malformed($"a storage key that is no plain name: '{parts[2]}'");
        var storage = new PickleStorage(key, PickleGlobals.StorageType(input, type), parts[4] as long? ?? -1);
        if (storage.Elements < 0 || storage.Elements > long.MaxValue / 16) throw input.Malformed($"storage '{key}' has an impossible size");
        if (_storages.TryGetValue(key, out var known) && known != storage) throw input.Malformed($"storage '{key}' is declared twice and differently");
        return _storages[key] = known ?? storage;
    }

    private static string Tag(object? id) => id is object?[] { Length: > 0 } parts && parts[0] is string tag ? $"'{tag}'" : "of no known kind";
}
