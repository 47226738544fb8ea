using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace DiffSynthSharp.Tokenizers.SentencePiece;

/// <summary>The compiled normalisation of a SentencePiece model (T5's <c>nmt_nfkc</c>): a double-array trie of texts and what replaces them.</summary>
/// <remarks>
/// Format: google/sentencepiece, src/normalizer.cc (<c>DecodePrecompiledCharsMap</c>); trie: s-yata/darts-clone. Applied as huggingface/tokenizers
/// does (huggingface/spm_precompiled, src/lib.rs), which differs from SentencePiece itself: a short grapheme is looked up whole and the
/// shortest of its beginnings that has a rule replaces it all; of others each code point is looked up.
/// </remarks>
internal sealed class NormalizationRules
{
    private const int WholeGraphemeBytes = 6;

    private readonly uint[] _units;
    private readonly ReadOnlyMemory<byte> _replacements;

    /// <param name="rules">Size of the trie in bytes, the trie, replacements each ended by a zero; empty for no rules.</param>
    /// <exception cref="InvalidDataException">The sizes don't fit.</exception>
    public NormalizationRules(ReadOnlyMemory<byte> rules)
    {
        _units = [];
        if (rules.IsEmpty) return;
        var size = rules.Length < 4 ? uint.MaxValue : BinaryPrimitives.ReadUInt32LittleEndian(rules.Span);
        if (size % 4 != 0 || size > rules.Length - 4) throw new InvalidDataException($"a normalisation table of {size} bytes in {rules.Length}");
        _units = new uint[size / 4];
        for (var i = 0; i < _units.Length; i++) _units[i] = BinaryPrimitives.ReadUInt32LittleEndian(rules.Span[(4 + 4 * i)..]);
        _replacements = rules[(int)(4 + size)..];
    }

    /// <summary>A text with every rule applied.</summary>
    public string Apply(string text)
    {
        var result = new StringBuilder(text.Length);
        Span<byte> bytes = stackalloc byte[WholeGraphemeBytes];
        for (var at = 0; at < text.Length;)
        {
            var grapheme = text.AsSpan(at, StringInfo.GetNextTextElementLength(text, at));
            at += grapheme.Length;
            if (Encoding.UTF8.TryGetBytes(grapheme, bytes, out var count) && count < WholeGraphemeBytes && Replacement(bytes[..count]) is { } whole)
            {
                result.Append(whole);
                continue;
            }
            foreach (var rune in grapheme.EnumerateRunes())
            {
                var length = rune.EncodeToUtf8(bytes);
                if (Replacement(bytes[..length]) is { } replacement) result.Append(replacement);
                else result.Append(rune.ToString());
            }
        }
        return result.ToString();
    }

    // A unit holds the label of its byte, whether a text ends there, and where its children begin; the end's own unit holds a place in the replacements.
    private string? Replacement(ReadOnlySpan<byte> key)
    {
        var at = (uint)0;
        if (!TryUnit(at, out var unit)) return null;
        at ^= Children(unit);
        foreach (var b in key)
        {
            at ^= b;
            if (b == 0 || !TryUnit(at, out unit) || (unit & 0x8000_00FF) != b) return null;
            at ^= Children(unit);
            if ((unit >> 8 & 1) == 1) return TryUnit(at, out var end) ? TextAt(end & 0x7FFF_FFFF) : null;
        }
        return null;
    }

    private static uint Children(uint unit) => unit >> 10 << (int)((unit & 0x200) >> 6);

    private bool TryUnit(uint at, out uint unit)
    {
        unit = at < _units.Length ? _units[at] : 0;
        return at < _units.Length;
    }

    private string? TextAt(uint place)
    {
        if (place >= _replacements.Length) return null;
        var rest = _replacements.Span[(int)place..];
        var end = rest.IndexOf((byte)0);
        return Encoding.UTF8.GetString(end < 0 ? rest : rest[..end]);
    }
}
