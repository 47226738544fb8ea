using System.Globalization;

namespace DiffSynthSharp.Weights.Pickles;

/// <summary>What each pickle opcode does to a <see cref="PickleMachine"/>.</summary>
internal static class PickleOperations
{
    /// <summary>Operations by opcode; null where there is none. STOP is the machine's own.</summary>
    public static readonly Action<PickleMachine>?[] Table = Make();

    private static Action<PickleMachine>?[] Make()
    {
        var table = new Action<PickleMachine>?[256];
        AddNumbers(table);
        AddTexts(table);
        AddContainers(table);
        AddStackAndMemo(table);
        AddObjects(table);
        AddProtocol(table);
        return table;
    }

    private static void AddNumbers(Action<PickleMachine>?[] table)
    {
        table['N'] = machine => machine.Push(null);
        table[0x88] = machine => machine.Push(true);
        table[0x89] = machine => machine.Push(false);
        table['K'] = machine => machine.Push(PickleInput.Box(machine.Input.Byte()));
        table['M'] = machine => machine.Push(PickleInput.Box(machine.Input.UInt16()));
        table['J'] = machine => machine.Push(PickleInput.Box(machine.Input.Int32()));
        table[0x8a] = machine => machine.Push(machine.Input.Number(machine.Input.Byte()));
        table[0x8b] = machine => machine.Push(machine.Input.Number(machine.Input.Int32()));
        table['I'] = table['L'] = machine => machine.Push(machine.Input.DecimalLine());
        table['G'] = machine => machine.Push(machine.Input.Double());
        table['F'] = machine => machine.Push(double.TryParse(machine.Input.Line(), CultureInfo.InvariantCulture, out var number)
            ? number : throw machine.Input.Malformed("a number that is none"));
    }

    private static void AddTexts(Action<PickleMachine>?[] table)
    {
        table[0x8c] = machine => machine.Push(machine.Input.Text(machine.Input.Byte()));
        table['X'] = machine => machine.Push(machine.Input.Text(machine.Input.UInt32()));
        table[0x8d] = machine => machine.Push(machine.Input.Text(machine.Input.UInt64()));
        table['U'] = machine => machine.Push(machine.Input.OldText(machine.Input.Byte()));
        table['T'] = machine => machine.Push(machine.Input.OldText(machine.Input.Int32()));
        table['S'] = machine => machine.Push(machine.Input.Line().Trim('\'', '"'));
        table['V'] = machine => machine.Push(machine.Input.Line());
        table['C'] = machine => SkipBytes(machine, machine.Input.Byte());
        table['B'] = machine => SkipBytes(machine, machine.Input.UInt32());
        table[0x8e] = table[0x96] = machine => SkipBytes(machine, machine.Input.UInt64());
    }

    // Byte strings hold numpy arrays and the like, never weights.
    private static void SkipBytes(PickleMachine machine, ulong count)
    {
        machine.Input.Skip(count, "a byte string");
        machine.Push(PickleObject.Opaque);
    }

    private static void AddContainers(Action<PickleMachine>?[] table)
    {
        table[']'] = table[0x8f] = machine => machine.Push(new PickleList());
        table['}'] = machine => machine.Push(new PickleDict());
        table[')'] = machine => machine.Push(Array.Empty<object?>());
        table['t'] = machine => machine.Push(machine.PopToMark());
        table['l'] = table[0x91] = machine => Fill(machine, new PickleList(), machine.PopToMark());
        table['d'] = machine => FillPairs(machine, new PickleDict(), machine.PopToMark());
        table[0x85] = machine => machine.Push(new[] { machine.Pop() });
        table[0x86] = machine => PushTuple(machine, 2);
        table[0x87] = machine => PushTuple(machine, 3);
        table['a'] = machine =>
        {
            var item = machine.Pop();
            Fill(machine, machine.Pop(), [item]);
        };
        table['e'] = table[0x90] = machine =>
        {
            var items = machine.PopToMark();
            Fill(machine, machine.Pop(), items);
        };
        table['s'] = machine =>
        {
            var value = machine.Pop();
            var key = machine.Pop();
            FillPairs(machine, machine.Pop(), [key, value]);
        };
        table['u'] = machine =>
        {
            var items = machine.PopToMark();
            FillPairs(machine, machine.Pop(), items);
        };
    }

    private static void PushTuple(PickleMachine machine, int count)
    {
        var items = new object?[count];
        for (var i = count - 1; i >= 0; i--) items[i] = machine.Pop();
        machine.Push(items);
    }

    private static void Fill(PickleMachine machine, object? target, object?[] items)
    {
        if (target is PickleList list)
            foreach (var item in items) list.Add(item);
        else if (target is not PickleObject) throw machine.Input.Malformed("a malformed pickle (an element for something that is no list)");
        machine.Push(target);
    }

    private static void FillPairs(PickleMachine machine, object? target, object?[] items)
    {
        if (items.Length % 2 != 0) throw machine.Input.Malformed("a malformed pickle (a key without a value)");
        if (target is PickleDict dictionary)
            for (var i = 0; i < items.Length; i += 2) dictionary.Add(items[i], items[i + 1]);
        else if (target is not PickleObject) throw machine.Input.Malformed("a malformed pickle (an element for something that is no dictionary)");
        machine.Push(target);
    }

    private static void AddStackAndMemo(Action<PickleMachine>?[] table)
    {
        table['('] = machine => machine.Mark();
        table['0'] = machine => machine.Discard();
        table['1'] = machine => machine.PopToMark();
        table['2'] = machine => machine.Push(machine.Top());
        table['p'] = machine => machine.Memoize(Index(machine));
        table['q'] = machine => machine.Memoize(machine.Input.Byte());
        table['r'] = machine => machine.Memoize(machine.Input.UInt32());
        table[0x94] = machine => machine.Memoize(machine.MemoCount);
        table['g'] = machine => machine.Recall(Index(machine));
        table['h'] = machine => machine.Recall(machine.Input.Byte());
        table['j'] = machine => machine.Recall(machine.Input.UInt32());
    }

    private static uint Index(PickleMachine machine) =>
        uint.TryParse(machine.Input.Line(), out var index) ? index : throw machine.Input.Malformed("a memo index that is no number");

    private static void AddObjects(Action<PickleMachine>?[] table)
    {
        table['c'] = machine => machine.Push(machine.Global(machine.Input.Line(), machine.Input.Line()));
        table[0x93] = machine =>
        {
            var name = machine.Pop();
            machine.Push(machine.Global(machine.Pop(), name));
        };
        table['i'] = machine => machine.Call(machine.Global(machine.Input.Line(), machine.Input.Line()), machine.PopToMark());
        table['o'] = machine =>
        {
            var parts = machine.PopToMark();
            machine.Call(parts.FirstOrDefault(), parts.Skip(1).ToArray());
        };
        table['R'] = table[0x81] = machine =>
        {
            var arguments = machine.Pop();
            machine.Call(machine.Pop(), arguments);
        };
        table[0x92] = machine =>
        {
            machine.Pop(); // named arguments
            var arguments = machine.Pop();
            machine.Call(machine.Pop(), arguments);
        };
        table['b'] = machine =>
        {
            var state = machine.Pop();
            if (machine.Top() is PickleObject { Type: not null } target) target.State = state;
        };
        table['Q'] = machine => machine.Push(machine.Storage(machine.Pop()));
        table['P'] = machine => machine.Push(machine.Storage(machine.Input.Line()));
    }

    private static void AddProtocol(Action<PickleMachine>?[] table)
    {
        table[0x80] = machine =>
        {
            if (machine.Input.Byte() is > 5 and var version) throw machine.Input.Malformed($"pickle protocol {version}; known are 0 to 5");
        };
        table[0x95] = machine =>
        {
            var length = machine.Input.UInt64();
            if (length > (ulong)machine.Input.Left)
                throw machine.Input.Malformed($"a frame longer than the data ({length} bytes where {machine.Input.Left} are left)");
        };
        table[0x82] = table[0x83] = table[0x84] = machine => throw machine.Input.Malformed("an extension code, whose meaning only the writer's program knows");
        table[0x97] = table[0x98] = machine => throw machine.Input.Malformed("an out-of-band buffer (protocol 5), which no file can hold");
    }
}
