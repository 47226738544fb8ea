namespace DiffSynthSharp.Fuzz;

/// <summary>
/// A reader of other people's bytes, as a fuzzer sees it. A new one is a class in <c>Targets/</c> (it is found by itself) and a folder of seed files,
/// <c>Corpus/NAME/</c>.
/// </summary>
public abstract class FuzzTarget
{
    /// <summary>What the command line and the corpus folder call it.</summary>
    public abstract string Name { get; }

    /// <summary>Bytes that an input may allocate whatever its length.</summary>
    public virtual long FixedBytes => 1 << 20;

    /// <summary>Bytes that each of an input's bytes may allocate.</summary>
    public virtual long BytesPerByte => 64;

    /// <summary>How long one input may take.</summary>
    public virtual TimeSpan Time => TimeSpan.FromSeconds(2);

    /// <summary>The longest input that is made.</summary>
    public virtual int LongestInput => 1 << 16;

    /// <summary>Files and folders of <c>tests/Fixtures</c> that are seeds too.</summary>
    public virtual IReadOnlyList<string> Fixtures => [];

    /// <summary>Words that mean something to the reader; inputs get them put in.</summary>
    public virtual IReadOnlyList<string> Words => [];

    /// <summary>Reads an input. Only <see cref="DiffSynthException"/> may come out.</summary>
    /// <param name="input">Anything.</param>
    public abstract void Read(byte[] input);

    /// <summary>A seed from a fixture's bytes; null when it makes none.</summary>
    /// <param name="fixture">The file's content.</param>
    public virtual byte[]? SeedOf(byte[] fixture) => fixture;

    /// <summary>A damaged copy that keeps the input's frame (lengths, checksums) right, so that what is inside is looked at.</summary>
    /// <param name="input">A sound or damaged input.</param>
    /// <param name="mutator">Does the damage.</param>
    /// <returns>Null when the input has no frame.</returns>
    public virtual byte[]? DamageInside(byte[] input, Mutator mutator) => null;

    /// <summary>Runs a part of <see cref="Read"/> that may refuse the input, so that the next part runs all the same.</summary>
    protected static void Attempt(Action part)
    {
        try
        {
            part();
        }
        catch (DiffSynthException refusal)
        {
            Refusal.Check(refusal);
        }
    }
}
