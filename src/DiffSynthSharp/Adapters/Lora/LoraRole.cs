namespace DiffSynthSharp.Adapters.Lora;

/// <summary>What a tensor of an adapter file is to its module.</summary>
internal enum LoraRole
{
    /// <summary>(rank, inputs), or a convolution's (rank, inputs, kernel).</summary>
    Down,

    /// <summary>(outputs, rank).</summary>
    Up,

    /// <summary>The core of a Tucker decomposition, (rank, rank, kernel).</summary>
    Mid,

    /// <summary>One number; the change is scaled by alpha / rank.</summary>
    Alpha,

    /// <summary>DoRA's lengths of the weight's rows or columns, in LyCORIS' shapes.</summary>
    Magnitude,

    /// <summary>DoRA's lengths of the weight's rows, in PEFT's shapes.</summary>
    RowMagnitude,

    /// <summary>LoHa's first product, left.</summary>
    Hada1A,

    /// <summary>LoHa's first product, right.</summary>
    Hada1B,

    /// <summary>LoHa's second product, left.</summary>
    Hada2A,

    /// <summary>LoHa's second product, right.</summary>
    Hada2B,

    /// <summary>LoHa's first Tucker core.</summary>
    HadaCore1,

    /// <summary>LoHa's second Tucker core.</summary>
    HadaCore2,

    /// <summary>LoKr's first factor, whole.</summary>
    Kron1,

    /// <summary>LoKr's first factor, left.</summary>
    Kron1A,

    /// <summary>LoKr's first factor, right.</summary>
    Kron1B,

    /// <summary>LoKr's second factor, whole.</summary>
    Kron2,

    /// <summary>LoKr's second factor, left.</summary>
    Kron2A,

    /// <summary>LoKr's second factor, right.</summary>
    Kron2B,

    /// <summary>LoKr's Tucker core of the second factor.</summary>
    KronCore,

    /// <summary>IA³'s multipliers.</summary>
    Scaling,

    /// <summary>Whether IA³ multiplies inputs (1) or outputs (0).</summary>
    OnInput,

    /// <summary>The weight's whole change.</summary>
    Diff,

    /// <summary>The bias' whole change.</summary>
    DiffBias,
}
