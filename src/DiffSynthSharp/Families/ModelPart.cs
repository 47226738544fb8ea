using DiffSynthSharp.Tokenizers;
using DiffSynthSharp.Weights;

namespace DiffSynthSharp.Families;

/// <summary>One network of a model: its tensors, and the configuration beside them when it lies in a folder.</summary>
/// <param name="Weights">The tensors.</param>
/// <param name="Config">The folder's <c>config.json</c>; null for single files.</param>
internal sealed record ModelPart(ComponentWeights Weights, ConfigFile? Config);

/// <summary>A kind of network: what it is called, and where models have it.</summary>
/// <param name="Name">As users read it, such as "text encoder".</param>
/// <param name="Folder">The sub-folder of a diffusers folder.</param>
/// <param name="Prefixes">What may stand before its tensors' names in a file.</param>
/// <param name="Keys">Recognises the layout of its names.</param>
internal sealed record PartKind(string Name, string Folder, IReadOnlyList<string> Prefixes, Func<IReadOnlyCollection<string>, KeyMap?> Keys)
{
    /// <summary>The option that names a file of this kind alone; null when there is none.</summary>
    public PartOption? Option { get; init; }

    /// <summary>Published files of this kind alone, looked for beside a model's file that lacks it.</summary>
    public IReadOnlyList<PublishedFile> Published { get; init; } = [];

    /// <summary>What it reads prompts with; null when it reads none.</summary>
    public VocabularyKind? Vocabulary { get; init; }

    /// <summary>Tells from names and shapes that follow the layout whether they are this network and no relative of it.</summary>
    public Func<ComponentWeights, bool> IsIt { get; init; } = _ => true;
}

/// <summary>A file that can be downloaded from its publisher.</summary>
/// <param name="Name">Its name there.</param>
/// <param name="Home">Where: publisher/repository on huggingface.co, and the folder in it.</param>
/// <param name="Bytes">Its length; null when it isn't known to the byte.</param>
/// <param name="Sha256">In small hexadecimal digits; null when it isn't known.</param>
internal sealed record PublishedFile(string Name, string Home, long? Bytes = null, string? Sha256 = null);
