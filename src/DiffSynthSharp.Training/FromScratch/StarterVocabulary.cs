using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using DiffSynthSharp.Runtime;
using DiffSynthSharp.Training.Drawings;
using static TorchSharp.torch;

namespace DiffSynthSharp.Training.FromScratch;

/// <summary>
/// A vocabulary in CLIP's format in which every word of the captions is one token; anything else falls back to bytes.
/// </summary>
/// <remarks>
/// openai/CLIP, clip/simple_tokenizer.py: 256 printable stand-ins for bytes, the same at a word's end, one entry for each merge, start and end.
/// </remarks>
internal sealed class StarterVocabulary
{
    /// <summary>Tokens in a row, with start, end and padding.</summary>
    public const int RowLength = 77;

    private const string WordEnd = "</w>";
    private const string StartMark = "<|startoftext|>";
    private const string EndMark = "<|endoftext|>";
    private static readonly JsonSerializerOptions s_plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private static readonly JsonSerializerOptions s_indented = new(s_plain) { WriteIndented = true };
    private readonly Dictionary<string, int> _ids = new(StringComparer.Ordinal);
    private readonly List<(string Left, string Right)> _merges = [];

    public StarterVocabulary()
    {
        var bytes = ByteStandIns();
        foreach (var stand in bytes) Add(stand);
        foreach (var stand in bytes) Add(stand + WordEnd);
        foreach (var word in Words()) Learn(word);
        Start = Add(StartMark);
        End = Add(EndMark);
    }

    /// <summary>Number of tokens.</summary>
    public int Count => _ids.Count;

    /// <summary>The token before every row.</summary>
    public int Start { get; }

    /// <summary>The token behind every row, which also pads it.</summary>
    public int End { get; }

    /// <summary>A caption of the drawings as a row of tokens.</summary>
    /// <param name="caption">Words of <see cref="Words"/> with blanks between; empty for the empty text.</param>
    /// <returns><see cref="RowLength"/> ids</returns>
    public long[] Row(string caption)
    {
        var row = new long[RowLength];
        Array.Fill(row, End);
        row[0] = Start;
        var at = 1;
        foreach (var word in caption.Split(' ', StringSplitOptions.RemoveEmptyEntries)) row[at++] = _ids[word + WordEnd];
        return row;
    }

    /// <summary>Captions as rows of tokens, (B, 77) int64.</summary>
    public Tensor Rows(IEnumerable<string> captions)
    {
        var rows = captions.Select(Row).ToArray();
        return tensor([.. rows.SelectMany(row => row)], [rows.Length, RowLength], dtype: ScalarType.Int64);
    }

    /// <summary>Every word that captions hold.</summary>
    public static IReadOnlyList<string> Words()
        => [.. DrawingWorld.Objects.Concat(DrawingWorld.Colours.Select(colour => colour.Name))
            .Concat(DrawingWorld.Scenes).Concat(DrawingWorld.Openings).Append("a an and")
            .SelectMany(text => text.Split(' ', StringSplitOptions.RemoveEmptyEntries)).Distinct().Order(StringComparer.Ordinal)];

    /// <summary>Writes the files of a folder's <c>tokenizer</c> part.</summary>
    /// <param name="folder">An existing folder.</param>
    public void Write(string folder)
    {
        WriteText(Path.Combine(folder, "vocab.json"), JsonSerializer.Serialize(_ids, s_plain));
        WriteText(Path.Combine(folder, "merges.txt"), "#version: 0.2\n" + string.Concat(_merges.Select(merge => $"{merge.Left} {merge.Right}\n")));
        JsonObject Special(string content)
            => new() { ["content"] = content, ["lstrip"] = false, ["normalized"] = true, ["rstrip"] = false, ["single_word"] = false };
        WriteText(Path.Combine(folder, "special_tokens_map.json"), new JsonObject
        {
            ["bos_token"] = Special(StartMark),
            ["eos_token"] = Special(EndMark),
            ["pad_token"] = EndMark,
            ["unk_token"] = Special(EndMark),
        }.ToJsonString(s_indented));
        WriteText(Path.Combine(folder, "tokenizer_config.json"), new JsonObject
        {
            ["add_prefix_space"] = false,
            ["bos_token"] = StartMark,
            ["do_lower_case"] = true,
            ["eos_token"] = EndMark,
            ["errors"] = "replace",
            ["model_max_length"] = RowLength,
            ["pad_token"] = EndMark,
            ["tokenizer_class"] = "CLIPTokenizer",
            ["unk_token"] = EndMark,
        }.ToJsonString(s_indented));
    }

    private static void WriteText(string path, string text) => AtomicFile.Write(path, stream => stream.Write(Encoding.UTF8.GetBytes(text)));

    private int Add(string token)
    {
        _ids.Add(token, _ids.Count);
        return _ids.Count - 1;
    }

    // A merge is appended only where the merges so far leave pieces, so no earlier word is split by it.
    private void Learn(string word)
    {
        for (var pieces = Pieces(word); pieces.Count > 1; pieces = Pieces(word))
        {
            _merges.Add((pieces[0], pieces[1]));
            Add(pieces[0] + pieces[1]);
        }
    }

    private List<string> Pieces(string word)
    {
        List<string> pieces = [.. word.Select(letter => letter.ToString())];
        pieces[^1] += WordEnd;
        foreach (var (left, right) in _merges)
            for (var i = 0; i + 1 < pieces.Count; i++)
                if (pieces[i] == left && pieces[i + 1] == right)
                {
                    pieces[i] += right;
                    pieces.RemoveAt(i + 1);
                }
        return pieces;
    }

    // Printable characters stand for themselves; the others get characters from U+0100 on.
    private static List<string> ByteStandIns()
    {
        List<int> printable = [.. Enumerable.Range('!', '~' - '!' + 1), .. Enumerable.Range(0xA1, 0xAC - 0xA1 + 1), .. Enumerable.Range(0xAE, 0xFF - 0xAE + 1)];
        return [.. printable.Concat(Enumerable.Range(0x100, 256 - printable.Count)).Select(code => ((char)code).ToString())];
    }
}
