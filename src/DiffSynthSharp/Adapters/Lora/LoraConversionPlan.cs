using DiffSynthSharp.Weights;

namespace DiffSynthSharp.Adapters.Lora;

/// <summary>What an adapter file becomes in another layout: every tensor to write, nothing written yet.</summary>
internal sealed class LoraConversionPlan
{
    private const string StableDiffusion = "Stable Diffusion 1.x";
    private readonly LoraFile _file;
    private readonly LoraLayout _to;
    private readonly StoredType? _type;
    private readonly bool _isSdxl;
    private readonly Dictionary<string, (LoraTensor Tensor, string Origin)> _tensors = new(StringComparer.Ordinal);
    private readonly List<PeftModule> _peft = [];

    private LoraConversionPlan(LoraFile file, LoraLayout to, StoredType? type)
    {
        (_file, _to, _type) = (file, to, type);
        _isSdxl = LoraFamily.Guess(file.Modules) == "SDXL" || file.Modules.Any(module => module.Network == "text_encoder_2");
        Metadata = SafetensorsTarget.Notes(file.Metadata);
    }

    /// <summary>The tensors, in no order.</summary>
    public IEnumerable<LoraTensor> Tensors => _tensors.Values.Select(item => item.Tensor);

    /// <summary>Notes for the header.</summary>
    public Dictionary<string, string> Metadata { get; }

    /// <summary>Tensors of the file that belong to no adapter or lack their partner.</summary>
    public List<string> LeftOut { get; } = [];

    /// <summary>Whether the file was in the wanted layout already, so that every name stays.</summary>
    public bool KeepsNames { get; private init; }

    /// <summary>Plans a conversion.</summary>
    /// <param name="file">The file; it must stay open until its tensors are written.</param>
    /// <param name="to">The layout to write.</param>
    /// <param name="type">The element type to write, or null for each tensor's own.</param>
    /// <exception cref="DiffSynthException">The layout has no place for a module, or a module's name has no counterpart in it.</exception>
    public static LoraConversionPlan Of(LoraFile file, LoraLayout to, StoredType? type)
    {
        // Alphas that lie in a configuration beside the file would be lost with its names kept.
        var hasOwnAlphas = to != LoraLayout.Peft || file.Metadata.ContainsKey(PeftAlphas.Note) || file.Modules.All(module => module.Alpha is null);
        var plan = new LoraConversionPlan(file, to, type) { KeepsNames = hasOwnAlphas && file.Modules.All(module => module.Layout == to) };
        if (plan.KeepsNames) plan.Keep();
        else plan.Rename();
        return plan;
    }

    private void Keep()
    {
        var alphas = _file.Modules.SelectMany(module => module.Find(LoraRole.Alpha) is { } entry ? [(entry.Name, module.Alpha!.Value)] : Array.Empty<(string Name, double Value)>()).ToDictionary();
        foreach (var entry in _file.Entries.Values)
        {
            var type = _type is { } wanted && alphas.TryGetValue(entry.Name, out var alpha) ? LoraTensor.Number.Of(entry.Name, alpha, wanted).Target.Type : TypeOf(entry);
            Add(new LoraTensor.Moved(new(entry.Name, type, entry.Shape), entry.Name), entry.Name);
        }
    }

    private void Rename()
    {
        LeftOut.AddRange(_file.Strays);
        Metadata.Remove(PeftAlphas.Note);
        if (_to == LoraLayout.DiffSynth || _file.Modules.Any(module => module.Layout == LoraLayout.DiffSynth)) CheckBlocks();
        foreach (var module in _file.Modules)
            if (!module.IsComplete) LeftOut.AddRange(module.Keys);
            else Add(module);
        if (_to != LoraLayout.Peft || _peft.Count == 0) return;
        CheckDora();
        Metadata[PeftAlphas.Note] = PeftNote.Of(_peft);
    }

    private void Add(LoraModule module)
    {
        if (LoraPlace.Of(module) is not { } place)
            throw Refused(module, "is no layer of a U-Net or CLIP text encoder of Stable Diffusion or SDXL, whose names are the ones that can be translated. Use the file as it is, or merge it into a model.");
        if (LoraRefusal.Of(module, place, _to) is { } reason) throw Refused(module, reason);
        var name = LoraSpelling.Module(place, _to, _isSdxl) ?? throw Refused(module, $"has no name in {LoraRefusal.NameOf(_to)}.");
        var sides = module.Find(LoraRole.Down) is { } down ? Reshaped(down.Shape, module, place).Length : 0;
        foreach (var (role, entry) in module.Parts)
        {
            if (role == LoraRole.Alpha) continue;
            var shape = role is LoraRole.Magnitude or LoraRole.RowMagnitude ? Lengths(role, entry, sides) : Reshaped(entry.Shape, module, place);
            var target = new TensorEntry(name + LoraSpelling.Suffix(role, _to, place.IsText), TypeOf(entry), shape);
            var isFolded = role == LoraRole.Up && module.Factor != 1 && _to is (LoraLayout.Diffusers or LoraLayout.DiffSynth);
            Add(isFolded ? new LoraTensor.Folded(target, entry.Name, module.Factor) : new LoraTensor.Moved(target, entry.Name), entry.Name);
        }
        AddAlpha(module, place, name);
    }

    private void AddAlpha(LoraModule module, LoraPlace place, string name)
    {
        if ((module.Rank is { } rank ? EffectiveAlpha(module, rank) : module.Alpha) is not { } alpha) return;
        if (_to == LoraLayout.Kohya) Add(LoraTensor.Number.Of(name + LoraKey.Suffix(LoraRole.Alpha), alpha, TypeOf(module.Parts.First(part => part.Key != LoraRole.Alpha).Value)), module.Name);
        if (_to == LoraLayout.Peft && module.Rank is { } rows) _peft.Add(new(place, rows, alpha, module.IsWeightDecomposed));
    }

    // What is written is never rank-stabilised, and always says its alpha.
    private static double EffectiveAlpha(LoraModule module, long rank) => module.IsRankStabilized ? module.Factor * rank : module.Alpha ?? rank;

    private void Add(LoraTensor tensor, string origin)
    {
        if (!_tensors.TryAdd(tensor.Target.Name, (tensor, origin)))
            throw new DiffSynthException($"'{_file.Path}' can't be converted: '{OneLine.Of(_tensors[tensor.Target.Name].Origin)}' and '{OneLine.Of(origin)}' are for the same layer. Take one of them out.");
    }

    private StoredType TypeOf(TensorEntry entry) => _type is { } type && entry.Type.IsFloat() ? type : entry.Type;

    // DiffSynth-Studio holds the projections around a transformer as linear layers, Stable Diffusion 1.x itself as convolutions of one cell.
    private long[] Reshaped(long[] shape, LoraModule module, LoraPlace place)
    {
        if (!place.IsProjection) return shape;
        if (_to == LoraLayout.DiffSynth) return shape is [var rows, var columns, 1, 1] ? [rows, columns] : shape;
        return module.Layout == LoraLayout.DiffSynth && shape is [_, _] ? [.. shape, 1, 1] : shape;
    }

    // LyCORIS: (outputs, 1, …), as many sides as the weight; PEFT: (outputs), or (1, outputs, 1, 1) of a convolution.
    private long[] Lengths(LoraRole role, TensorEntry entry, int sides)
    {
        if (_to == LoraLayout.Kohya) return role == LoraRole.Magnitude ? entry.Shape : [entry.Elements, .. Enumerable.Repeat(1L, sides - 1)];
        return sides == 2 ? [entry.Elements] : [1, entry.Elements, .. Enumerable.Repeat(1L, sides - 2)];
    }

    // DiffSynth-Studio numbers its blocks, and the same number is another block in another family.
    private void CheckBlocks()
    {
        var looks = _isSdxl ? "SDXL" : LoraFamily.Guess(_file.Modules);
        if (looks is not (null or StableDiffusion))
            throw new DiffSynthException($"'{_file.Path}' can't be converted: it looks like a LoRA for {looks}, and the names of DiffSynth-Studio's layers are known for {StableDiffusion} only.");
    }

    // PEFT's configuration has one switch for all modules of a network.
    private void CheckDora()
    {
        foreach (var network in _peft.GroupBy(module => module.Place.Network).Where(network => network.Any(module => module.IsWeightDecomposed)))
            if (network.FirstOrDefault(module => !module.IsWeightDecomposed) is { } plain)
                throw new DiffSynthException($"'{_file.Path}' can't be converted to peft: '{plain.Place.Canonical}' is a plain LoRA beside DoRAs in the same network, which peft has no place for. Write it with --to kohya, or merge it into a model.");
    }

    private DiffSynthException Refused(LoraModule module, string reason)
        => new($"'{_file.Path}' can't be converted to {LoraRefusal.NameOf(_to)}: the module '{OneLine.Of(module.Name)}' {reason}");
}
