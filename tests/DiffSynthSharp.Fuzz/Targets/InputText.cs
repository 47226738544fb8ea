using System.Text;

namespace DiffSynthSharp.Fuzz.Targets;

/// <summary>Text from any bytes.</summary>
internal static class InputText
{
    /// <summary>UTF-8; a byte that is none becomes half a surrogate pair, which .NET's strings may hold and text may not.</summary>
    public static string Of(ReadOnlySpan<byte> input)
    {
        var text = new StringBuilder(input.Length);
        Span<char> letters = stackalloc char[2];
        while (!input.IsEmpty)
        {
            var isText = Rune.DecodeFromUtf8(input, out var rune, out var length) == System.Buffers.OperationStatus.Done;
            if (isText) text.Append(letters[..rune.EncodeToUtf16(letters)]);
            else
                foreach (var stray in input[..length]) text.Append((char)(0xDC00 + stray));
            input = input[length..];
        }
        return text.ToString();
    }
}
