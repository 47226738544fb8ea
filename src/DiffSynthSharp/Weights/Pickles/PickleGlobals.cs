namespace DiffSynthSharp.Weights.Pickles;

/// <summary>What the names of classes and functions in a checkpoint stand for.</summary>
/// <remarks>Tensor machinery: torch/_utils.py, torch/storage.py. Nothing is ever imported or called, so an unknown class does no harm and is kept as a stand-in
/// (training frameworks leave many); names that only serve to run programs are refused, because a file that has them wasn't made to hold weights.</remarks>
internal static class PickleGlobals
{
    /// <summary>A class whose state holds tensors in old textual inversions.</summary>
    public const string ParameterDict = "torch.nn.modules.container.ParameterDict";

    private static readonly HashSet<string> s_dangerousModules =
    [
        "os", "posix", "nt", "subprocess", "sys", "shutil", "socket", "runpy", "importlib", "imp", "pty", "ctypes", "pickle", "_pickle", "cPickle", "dill",
        "cloudpickle", "marshal", "code", "codeop", "commands", "popen2", "webbrowser", "multiprocessing", "asyncio", "timeit", "pdb", "bdb", "profile",
        "cProfile", "trace", "doctest", "operator", "_operator", "io", "_io", "pip", "ensurepip", "urllib", "http", "ftplib", "ssl", "signal", "threading",
        "_thread", "site", "sysconfig", "pkgutil", "zipimport",
    ];

    private static readonly HashSet<string> s_plainBuiltins =
    [
        "set", "frozenset", "bytearray", "bytes", "complex", "range", "xrange", "slice", "object", "int", "long", "float", "str", "unicode", "list", "dict",
        "tuple", "bool",
    ];

    private static readonly HashSet<string> s_dangerousFunctions =
    [
        "torch.load", "torch.storage._load_from_bytes", "torch.serialization.load", "torch.hub.load", "torch.jit.load", "torch.utils.cpp_extension.load",
        "numpy.load", "numpy.core.multiarray.fromfile", "numpy.fromfile", "joblib.load", "pandas.read_pickle", "types.FunctionType", "types.CodeType",
        "codecs.open", "_codecs.open",
    ];

    private static readonly Dictionary<string, StoredType> s_storageTypes = new()
    {
        ["DoubleStorage"] = StoredType.F64,
        ["FloatStorage"] = StoredType.F32,
        ["HalfStorage"] = StoredType.F16,
        ["BFloat16Storage"] = StoredType.BF16,
        ["LongStorage"] = StoredType.I64,
        ["IntStorage"] = StoredType.I32,
        ["ShortStorage"] = StoredType.I16,
        ["CharStorage"] = StoredType.I8,
        ["ByteStorage"] = StoredType.U8,
        ["BoolStorage"] = StoredType.Bool,
    };

    private static readonly Dictionary<string, StoredType> s_types = new()
    {
        ["torch.float64"] = StoredType.F64,
        ["torch.float32"] = StoredType.F32,
        ["torch.float16"] = StoredType.F16,
        ["torch.bfloat16"] = StoredType.BF16,
        ["torch.float8_e4m3fn"] = StoredType.F8E4M3,
        ["torch.float8_e5m2"] = StoredType.F8E5M2,
        ["torch.int64"] = StoredType.I64,
        ["torch.int32"] = StoredType.I32,
        ["torch.int16"] = StoredType.I16,
        ["torch.int8"] = StoredType.I8,
        ["torch.uint8"] = StoredType.U8,
        ["torch.uint16"] = StoredType.U16,
        ["torch.uint32"] = StoredType.U32,
        ["torch.uint64"] = StoredType.U64,
        ["torch.bool"] = StoredType.Bool,
    };

    // Every call looks at its class' name again, which a name of megabytes would make expensive.
    private const int LongestName = 1000;

    /// <summary>Takes a name as it is, or refuses it.</summary>
    /// <exception cref="DiffSynthException">It could only serve to run something, or is longer than any name.</exception>
    public static PickleGlobal Admit(PickleInput input, string module, string name)
    {
        if (module.Length + name.Length > LongestName) throw input.Malformed($"a class or function whose name has {module.Length + name.Length} letters");
        var global = new PickleGlobal(module, name);
        if (name.Contains('.')) throw input.Malformed($"a class or function named by a dotted path, {global}");
        var root = module.Split('.', 2)[0];
        var dangerous = root is "builtins" or "__builtin__" or "__builtins__" ? !s_plainBuiltins.Contains(name)
            : s_dangerousModules.Contains(root) || s_dangerousFunctions.Contains(global.ToString());
        return !dangerous ? global
            : throw input.Malformed($"it holds a call to {global}, which is a program and not weights; nothing was run, don't trust the file");
    }

    /// <summary>What a call of this class or function describes.</summary>
    public static object? Describe(PickleInput input, PickleGlobal function, object?[] arguments)
    {
        switch (function.ToString())
        {
            case "collections.OrderedDict" or "builtins.dict" or "__builtin__.dict": return new PickleDict(arguments.FirstOrDefault() as PickleList);
            case "collections.defaultdict": return new PickleDict();
            case "torch._utils._rebuild_tensor" or "torch._utils._rebuild_tensor_v2": return Tensor(input, arguments, null);
            case "torch._utils._rebuild_tensor_v3": return Tensor(input, arguments, arguments.ElementAtOrDefault(6) as PickleGlobal);
            case "torch._utils._rebuild_parameter" or "torch._utils._rebuild_parameter_with_state": return arguments.FirstOrDefault();
            case "torch._tensor._rebuild_from_type_v2"
                when arguments is [PickleGlobal { Module: "torch._utils" } rebuild, _, object?[] given, ..]
                    && rebuild.Name.StartsWith("_rebuild", StringComparison.Ordinal):
                return Describe(input, rebuild, given);
        }
        if (function.Module.StartsWith("torch", StringComparison.Ordinal) && function.Name.StartsWith("_rebuild", StringComparison.Ordinal))
            throw input.Malformed($"a tensor of a kind that is not supported, made by {function}; save it as a plain dense tensor");
        return new PickleObject(function);
    }

    /// <summary>The element type of a storage class; null for untyped bytes.</summary>
    /// <exception cref="DiffSynthException">The class is unknown.</exception>
    public static StoredType? StorageType(PickleInput input, PickleGlobal type)
    {
        if (type is { Module: "torch.storage" or "torch", Name: "UntypedStorage" }) return null;
        return type.Module == "torch" && s_storageTypes.TryGetValue(type.Name, out var stored) ? stored
            : throw input.Malformed($"an unknown storage type, {type}");
    }

    private static PickleTensor Tensor(PickleInput input, object?[] arguments, PickleGlobal? type)
    {
        if (arguments is not [PickleStorage storage, _, _, _, ..]) throw input.Malformed("a tensor without a storage");
        if (type is null) return new PickleTensor(storage, storage.Type ?? StoredType.U8, arguments);
        return s_types.TryGetValue(type.ToString(), out var stored)
            ? new PickleTensor(storage, stored, arguments) : throw input.Malformed($"a tensor of the unknown element type {type}");
    }
}
