namespace DiffSynthSharp.Weights.Pickles;

/// <summary>PyTorch's format since 1.6: a zip archive with the pickle <c>data.pkl</c> and an uncompressed entry per storage.</summary>
/// <remarks>torch/serialization.py, <c>_save</c> and <c>_load</c>.</remarks>
internal static class ZipCheckpoint
{
    private const int MaxPickleBytes = 32 << 20;
    private const string Program = "data.pkl";

    /// <summary>Reads what the archive holds.</summary>
    /// <param name="bytes">The whole file.</param>
    /// <param name="path">Its name, for errors.</param>
    /// <exception cref="DiffSynthException">The archive or its pickle is malformed or hostile.</exception>
    public static WeightLayout Read(ByteRegion bytes, string path)
    {
        var entries = ZipDirectory.Read(bytes, path);
        var folder = Folder(entries, path);
        CheckByteOrder(bytes, entries, folder, path);
        var program = entries[folder + Program];
        if (program.Length > MaxPickleBytes) throw Malformed(path, $"its {Program} has {program.Length} bytes, more than {MaxPickleBytes}");
        program.Check(bytes, path);
        var machine = new PickleMachine(new PickleInput(bytes, program.Offset, program.Offset + program.Length, path));
        var root = machine.Run();
        foreach (var storage in machine.Storages.Values) Block(storage);
        return new WeightLayout(CheckpointTensors.Collect(root, path, storage => (Block(storage).Offset, Block(storage))), new Dictionary<string, string>());

        ChecksummedBlock Block(PickleStorage storage)
        {
            if (!entries.TryGetValue($"{folder}data/{storage.Key}", out var block)) throw Malformed(path, $"a missing storage, '{storage.Key}'");
            if (block.Length < storage.Bytes)
                throw Malformed(path, $"storage '{storage.Key}' is shorter than declared: {block.Length} bytes instead of {storage.Bytes}");
            if (block.Length > storage.Bytes)
                throw Malformed(path, $"storage '{storage.Key}' is longer than declared: {block.Length} bytes instead of {storage.Bytes}");
            return block;
        }
    }

    private static DiffSynthException Malformed(string path, string what) => new($"'{path}' is no valid checkpoint: {OneLine.Of(what)}.");

    private static string Folder(IReadOnlyDictionary<string, ChecksummedBlock> entries, string path)
    {
        var programs = entries.Keys.Where(name => name == Program || name.EndsWith("/" + Program, StringComparison.Ordinal)).ToList();
        if (programs.Count == 0) throw Malformed(path, $"an archive without {Program}");
        if (programs.Count > 1) throw Malformed(path, $"an archive with two {Program}: '{programs[0]}' and '{programs[1]}'");
        var folder = programs[0][..^Program.Length];
        if (entries.ContainsKey(folder + "constants.pkl") || entries.Keys.Any(name => name.StartsWith(folder + "code/", StringComparison.Ordinal)))
            throw Malformed(path, "a TorchScript archive, which is a program and not weights; save the model's state_dict instead");
        return folder;
    }

    private static void CheckByteOrder(ByteRegion bytes, IReadOnlyDictionary<string, ChecksummedBlock> entries, string folder, string path)
    {
        if (!entries.TryGetValue(folder + "byteorder", out var order)) return;
        order.Check(bytes, path);
        if (!bytes.Slice(order.Offset, (int)Math.Min(order.Length, 16)).SequenceEqual("little"u8))
            throw Malformed(path, "it has big-endian data; save it again on a little-endian machine");
    }
}
