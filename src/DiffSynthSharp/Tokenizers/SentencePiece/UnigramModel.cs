using System.Text;

namespace DiffSynthSharp.Tokenizers.SentencePiece;

/// <summary>Cuts a word into the pieces that are together most probable.</summary>
/// <remarks>
/// Kudo 2018, "Subword Regularization" (Viterbi search); huggingface/tokenizers, models/unigram/model.rs (<c>encode_optimized</c>): a code point
/// without a piece costs ten more than the worst piece, and neighbours of that kind become one unknown token.
/// </remarks>
internal sealed class UnigramModel
{
    private const double UnknownPenalty = 10;

    private readonly (string Text, int Id, double Score)[] _pieces;
    private readonly int _unknown;
    private readonly double _unknownScore;

    /// <param name="pieces">Pieces in the order of their ids, none twice.</param>
    /// <param name="unknown">The id of what no piece covers.</param>
    public UnigramModel(IReadOnlyList<UnigramPiece> pieces, int unknown)
    {
        _pieces = [.. pieces.Select((piece, id) => (piece.Text, id, piece.Score))];
        Array.Sort(_pieces, (a, b) => string.CompareOrdinal(a.Text, b.Text));
        (_unknown, _unknownScore) = (unknown, pieces.Min(piece => piece.Score) - UnknownPenalty);
    }

    /// <summary>Adds the ids of a word's pieces.</summary>
    /// <param name="word">Normalised text without lone surrogates.</param>
    /// <param name="ids">Takes them in order.</param>
    public void Encode(ReadOnlySpan<char> word, List<int> ids)
    {
        var best = new (double Score, int Start, int Id)[word.Length + 1];
        Array.Fill(best, (double.NegativeInfinity, -1, _unknown), 1, word.Length);
        for (var at = 0; at < word.Length;)
        {
            Rune.DecodeFromUtf16(word[at..], out _, out var letter);
            if (!Extend(word, at, letter, best)) Offer(best, at + letter, at, best[at].Score + _unknownScore, _unknown);
            at += letter;
        }
        var path = new Stack<int>();
        for (var end = word.Length; end > 0; end = best[end].Start)
            if (best[end].Id != _unknown || path.Count == 0 || path.Peek() != _unknown) path.Push(best[end].Id);
        ids.AddRange(path);
    }

    // Follows the pieces that begin here; they stand together in the sorted list, and ever fewer of them with each letter.
    private bool Extend(ReadOnlySpan<char> word, int at, int letter, (double Score, int Start, int Id)[] best)
    {
        var (low, high, coversLetter) = (0, _pieces.Length, false);
        for (var depth = 0; at + depth < word.Length; depth++)
        {
            var sign = word[at + depth];
            low = FirstFrom(low, high, depth, sign);
            high = FirstFrom(low, high, depth, sign + 1);
            if (low == high) break;
            if (_pieces[low].Text.Length != depth + 1) continue;
            Offer(best, at + depth + 1, at, best[at].Score + _pieces[low].Score, _pieces[low].Id);
            coversLetter |= depth + 1 == letter;
        }
        return coversLetter;
    }

    private static void Offer((double Score, int Start, int Id)[] best, int end, int start, double score, int id)
    {
        if (best[end].Start < 0 || score > best[end].Score) best[end] = (score, start, id);
    }

    // The first piece in a range whose letter at a depth is at least this one; a piece that ends before comes first.
    private int FirstFrom(int low, int high, int depth, int letter)
    {
        while (low < high)
        {
            var middle = (low + high) / 2;
            var text = _pieces[middle].Text;
            if ((depth < text.Length ? text[depth] : -1) < letter) low = middle + 1;
            else high = middle;
        }
        return low;
    }
}
