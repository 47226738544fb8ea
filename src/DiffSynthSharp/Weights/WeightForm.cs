namespace DiffSynthSharp.Weights;

/// <summary>In what form a parameter is while its network computes.</summary>
internal enum WeightForm
{
    /// <summary>As float32, once and for all.</summary>
    Converted,

    /// <summary>In memory, in its stored element type where libtorch knows it; converted at every use.</summary>
    Kept,

    /// <summary>As its file has it, in resident memory once it was used; widened at every use.</summary>
    Held,

    /// <summary>As <see cref="Held"/>, but read from the file at every use.</summary>
    Streamed,
}

/// <summary>What was decided about a parameter.</summary>
/// <param name="Parameter">The parameter.</param>
/// <param name="Form">Its form.</param>
internal readonly record struct WeightDecision(StoredParameter Parameter, WeightForm Form);
