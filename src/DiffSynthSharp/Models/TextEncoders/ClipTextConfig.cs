using DiffSynthSharp.Weights;

namespace DiffSynthSharp.Models.TextEncoders;

/// <summary>Sizes of a CLIP text encoder.</summary>
/// <param name="Vocabulary">Rows of the token table.</param>
/// <param name="Width">Width of a token.</param>
/// <param name="Inner">Width inside the feed-forward part.</param>
/// <param name="Layers">Transformer layers.</param>
/// <param name="Heads">Attention heads.</param>
/// <param name="Positions">Longest row of tokens.</param>
/// <param name="QuickGelu">x·sigmoid(1.702x) (CLIP-L) instead of exact GELU (CLIP-G).</param>
/// <param name="Projection">Width of the projection of the pooled vector, 0 without one.</param>
/// <param name="EndId">The id at whose first position the text is pooled; null pools at the largest id, as all published configurations mean.</param>
internal sealed record ClipTextConfig(
    long Vocabulary, long Width, long Inner, int Layers, long Heads, long Positions = 77, bool QuickGelu = true, long Projection = 0, long? EndId = null)
{
    private const long WidthOfClipL = 768, HeadWidth = 64;

    /// <summary>Every size from the tensors' shapes, under the names of this network. Heads are 64 wide, as in all published CLIP text encoders.</summary>
    /// <remarks>
    /// Shapes don't say which GELU was trained with: OpenAI's encoders have the quick one, OpenCLIP's the exact one. Published files of CLIP-G
    /// always hold a projection, those of CLIP-L none, or one at its width of 768: so exact is what has a projection and another width than 768.
    /// </remarks>
    public static ClipTextConfig Detect(IReadOnlyDictionary<string, long[]> shapes)
    {
        var table = shapes["text_model.embeddings.token_embedding.weight"];
        var projection = shapes.TryGetValue("text_projection.weight", out var sides) ? sides[0] : 0;
        return new(table[0], table[1], shapes["text_model.encoder.layers.0.mlp.fc1.weight"][0], NameCount.Deepest([.. shapes.Keys], "text_model.encoder.layers."),
            Math.Max(1, table[1] / HeadWidth), shapes["text_model.embeddings.position_embedding.weight"][^2], projection == 0 || table[1] == WidthOfClipL, projection);
    }

    /// <summary>Every size from the tensors' shapes; heads and GELU from the folder's configuration, where there is one.</summary>
    /// <param name="weights">The encoder's tensors.</param>
    /// <param name="file">The folder's <c>config.json</c>; null for single files.</param>
    /// <exception cref="DiffSynthException">A tensor that tells a size is missing, or the configuration means another network.</exception>
    public static ClipTextConfig Detect(ComponentWeights weights, ConfigFile? file = null)
    {
        foreach (var name in (string[])["embeddings.token_embedding.weight", "embeddings.position_embedding.weight", "encoder.layers.0.mlp.fc1.weight"])
            weights.Side($"text_model.{name}", 1);
        var config = Detect(weights.Shapes);
        if (file is null) return config;
        var heads = file.Whole("num_attention_heads") ?? config.Heads;
        if (heads < 1 || config.Width % heads != 0)
            throw new DiffSynthException($"'{file.Path}': num_attention_heads is {heads}, which doesn't divide the width {config.Width}.");
        return config with
        {
            Heads = heads,
            // transformers' default where the file is silent
            QuickGelu = (file.Text("hidden_act") ?? "quick_gelu") switch
            {
                "quick_gelu" => true,
                "gelu" => false,
                var other => throw new DiffSynthException($"'{file.Path}': hidden_act '{other}' is unknown; expected quick_gelu or gelu."),
            },
        };
    }
}
