using DiffSynthSharp.Weights;
using static TorchSharp.torch;

namespace DiffSynthSharp.Prompts;

/// <summary>A textual inversion: vectors that were learned for one word.</summary>
/// <param name="Keyword">The word.</param>
/// <param name="Vectors">(n, width) float32</param>
internal sealed record EmbeddingFile(string Keyword, Tensor Vectors) : IDisposable
{
    private const int MostVectors = 1024;
    private const string A1111 = "string_to_param/";
    private const string A1111Safetensors = "emb_params";

    /// <summary>Reads an embedding in any of its published forms.</summary>
    /// <param name="path">
    /// A1111's .pt (<c>string_to_param</c>) or .safetensors (<c>emb_params</c>), or a diffusers file whose one tensor, of one or two dimensions, is named by the keyword.
    /// </param>
    /// <param name="width">Width of a token in the text encoder.</param>
    /// <param name="keyword">Null: the name that a diffusers file gives the tensor, else the file's name without its extension.</param>
    /// <remarks>
    /// AUTOMATIC1111/stable-diffusion-webui 1.10, modules/textual_inversion; huggingface/diffusers, loaders/textual_inversion.py.
    /// </remarks>
    /// <exception cref="DiffSynthException">The file is damaged, holds something else, or doesn't fit the text encoder.</exception>
    public static EmbeddingFile Read(string path, long width, string? keyword = null)
    {
        using var file = WeightFile.Open(path);
        var entry = TheOne(file);
        if (entry.Shape is not ([_] or [_, _])) throw new DiffSynthException($"'{path}' is no embedding: its tensor '{OneLine.Of(entry.Name)}' has the shape {entry.ShapeText}, but vectors of width {width} are expected.");
        if (entry.Shape[^1] != width)
            throw new DiffSynthException($"The embedding '{path}' has vectors of width {entry.Shape[^1]}, but this model's text encoder has a width of {width}: it was made for another family.");
        var count = entry.Shape.Length == 1 ? 1 : entry.Shape[0];
        if (count is < 1 or > MostVectors) throw new DiffSynthException($"The embedding '{path}' has {count:N0} vectors; 1 to {MostVectors} are possible.");
        using var scope = NewDisposeScope();
        var vectors = file.Read(entry.Name).to(ScalarType.Float32).reshape(count, width).clone();
        if (!vectors.isfinite().all().item<bool>()) throw new DiffSynthException($"The embedding '{path}' is damaged: it has values that are no numbers.");
        return new(Word(keyword ?? NameInside(entry.Name) ?? Path.GetFileNameWithoutExtension(path), path), vectors.MoveToOuterDisposeScope());
    }

    /// <inheritdoc/>
    public void Dispose() => Vectors.Dispose();

    private static TensorEntry TheOne(WeightFile file)
    {
        var entries = file.Entries.Values.Where(entry => entry.Type is StoredType.F16 or StoredType.BF16 or StoredType.F32 or StoredType.F64).ToList();
        if (entries.Find(entry => entry.Name is "clip_g") is { } large)
            throw new DiffSynthException($"The embedding '{file.Path}' was made for SDXL: it has vectors for two text encoders (clip_g of width {large.Shape.LastOrDefault()}).");
        var known = entries.Where(entry => entry.Name == A1111Safetensors || entry.Name.StartsWith(A1111, StringComparison.Ordinal)).ToList();
        if (known.Count > 0) entries = known;
        return entries.Count switch
        {
            1 => entries[0],
            0 => throw new DiffSynthException($"'{file.Path}' is no embedding: it has no tensor of floating-point numbers."),
            _ => throw new DiffSynthException($"'{file.Path}' is no embedding of one keyword: it has {entries.Count:N0} tensors "
                + $"({OneLine.Of(string.Join(", ", entries.Take(3).Select(entry => entry.Name)))}{(entries.Count > 3 ? ", …" : "")}), and exactly one is expected."),
        };
    }

    // A1111's files name the tensor after no one; "*" was the placeholder of the first training scripts.
    private static string? NameInside(string name)
        => name is A1111Safetensors or "clip_l" or "*" or "" || name.StartsWith(A1111, StringComparison.Ordinal) || name.Contains('/') ? null : name;

    private static string Word(string keyword, string path)
        => keyword.Trim() is { Length: > 0 } word ? word : throw new DiffSynthException($"The embedding '{path}' has no keyword. Give it one.");
}
