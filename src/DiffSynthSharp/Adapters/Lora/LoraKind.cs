namespace DiffSynthSharp.Adapters.Lora;

/// <summary>How an adapter's module says its change of a weight.</summary>
internal enum LoraKind
{
    /// <summary>A product of two thin matrices, for convolutions too (LoCon), with or without a Tucker core.</summary>
    LowRank,

    /// <summary>LoHa: two such products, multiplied element by element.</summary>
    Hadamard,

    /// <summary>LoKr: a Kronecker product.</summary>
    Kronecker,

    /// <summary>IA³: rows or columns of the weight, scaled.</summary>
    Scaling,

    /// <summary>The change itself.</summary>
    Full,
}
