namespace DiffSynthSharp.Layers;

/// <summary>Counts the multiplications and additions that the leaves of this thread's networks ask for.</summary>
/// <remarks>What the textbook algorithm needs: 2 per multiply-add. A faster algorithm does the same work with fewer, so its rate can exceed the machine's peak.</remarks>
internal static class OperationCount
{
    [ThreadStatic] private static long s_operations;

    /// <summary>Operations since the thread began.</summary>
    public static long Total => s_operations;

    /// <summary>Adds a product of matrices: <paramref name="rows"/> × <paramref name="inner"/> by <paramref name="inner"/> × <paramref name="columns"/>.</summary>
    public static void AddProduct(long rows, long inner, long columns) => s_operations += Product(rows, inner, columns);

    /// <summary>The operations of such a product.</summary>
    public static long Product(long rows, long inner, long columns) => 2 * rows * inner * columns;
}
