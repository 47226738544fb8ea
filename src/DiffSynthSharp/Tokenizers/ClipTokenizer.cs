using System.Text;
using Microsoft.ML.Tokenizers;

namespace DiffSynthSharp.Tokenizers;

/// <summary>CLIP's tokenizer: clean-up, lower case, and byte pair encoding with <c>&lt;/w&gt;</c> at the end of words.</summary>
/// <remarks>
/// Gives the ids of transformers' CLIPTokenizer with ftfy, which is what DiffSynth-Studio's prompts were encoded with (transformers 4.51,
/// models/clip/tokenization_clip.py; OpenAI CLIP, clip/simple_tokenizer.py). Thread safe.
/// </remarks>
public sealed class ClipTokenizer
{
    /// <summary>The longest prompt that is read, in characters.</summary>
    public const int MaxCharacters = 100_000;

    /// <summary>What fills the rows of CLIP-G in SDXL and Stable Diffusion 3; its id is 0.</summary>
    public const string PaddingOfClipG = "!";

    private const string EndOfWord = "</w>";

    private static readonly string[] s_byteLetters = ByteLetters();

    private readonly ClipVocabulary _vocabulary;
    private readonly BpeTokenizer _pairs;

    private ClipTokenizer(ClipVocabulary vocabulary, BpeTokenizer pairs) => (_vocabulary, _pairs) = (vocabulary, pairs);

    /// <summary>The id that stands before a prompt.</summary>
    public int BeginId => _vocabulary.Begin;

    /// <summary>The id that stands behind a prompt.</summary>
    public int EndId => _vocabulary.End;

    /// <summary>The id that fills the rest of a row.</summary>
    public int PadId => _vocabulary.Pad;

    /// <summary>One more than the largest id: how many rows a text encoder's table must have.</summary>
    public int VocabularySize { get; private init; }

    /// <summary>Reads a tokenizer's folder.</summary>
    /// <param name="folder">
    /// Holds <c>vocab.json</c> and <c>merges.txt</c> (or <c>tokenizer.json</c>); <c>special_tokens_map.json</c> and <c>tokenizer_config.json</c>
    /// name the begin, end and pad tokens when they are there.
    /// </param>
    /// <param name="padding">
    /// Fills the rest of a row whatever the folder says; null keeps the folder's. CLIP-G's is <see cref="PaddingOfClipG"/>, which is then a special
    /// token: wherever it stands in a text it is its own id.
    /// </param>
    /// <exception cref="DiffSynthException">A file is missing or malformed.</exception>
    public static ClipTokenizer Load(string folder, string? padding = null)
    {
        var vocabulary = ClipVocabulary.Load(folder, padding);
        return new ClipTokenizer(vocabulary, Pairs(vocabulary, folder)) { VocabularySize = vocabulary.Pieces.Values.Max() + 1 };
    }

    /// <summary>The ids of a prompt, without begin and end.</summary>
    /// <exception cref="DiffSynthException">The prompt is longer than <see cref="MaxCharacters"/>.</exception>
    public IReadOnlyList<int> Encode(string text)
    {
        if (text.Length > MaxCharacters)
            throw new DiffSynthException($"The prompt has {text.Length:N0} characters; at most {MaxCharacters:N0} are read.");
        var ids = new List<int>();
        foreach (var (part, special) in CutAtSpecials(text))
        {
            if (special is { } id) ids.Add(id);
            else foreach (var word in ClipWords.Of(part)) AddWord(word, ids);
        }
        return ids;
    }

    /// <summary>A prompt as rows that are encoded one beside the other: one begin and one end in all, cut wherever a row is full.</summary>
    /// <param name="text">The prompt.</param>
    /// <param name="length">Tokens per row.</param>
    /// <remarks>modelscope/DiffSynth-Studio, diffsynth/prompters/utils.py (<c>tokenize_long_prompt</c>).</remarks>
    /// <exception cref="DiffSynthException">The prompt is longer than <see cref="MaxCharacters"/>.</exception>
    public ClipRows Rows(string text, int length = 77)
    {
        int[] ids = [BeginId, .. Encode(text), EndId];
        return new ClipRows([.. ids.Chunk(length).Select(row => Padded(row, length))], 0);
    }

    /// <summary>A prompt as one row: what does not fit before the end token is cut off, and counted.</summary>
    /// <param name="text">The prompt.</param>
    /// <param name="length">Tokens in the row, begin and end among them.</param>
    /// <remarks>huggingface/diffusers, pipeline_stable_diffusion.py (<c>truncation=True</c>).</remarks>
    /// <exception cref="DiffSynthException">The prompt is longer than <see cref="MaxCharacters"/>.</exception>
    public ClipRows OneRow(string text, int length = 77)
    {
        var ids = Encode(text);
        int[] kept = [BeginId, .. ids.Take(length - 2), EndId];
        return new ClipRows([Padded(kept, length)], Math.Max(0, ids.Count - (length - 2)));
    }

    private int[] Padded(int[] row, int length) => [.. row, .. Enumerable.Repeat(PadId, length - row.Length)];

    private void AddWord(string word, List<int> ids)
    {
        if (ClipWords.IsSpecial(word))
        {
            ids.Add(_vocabulary.Pieces.GetValueOrDefault(word, _vocabulary.Unknown));
            return;
        }
        var letters = string.Concat(Encoding.UTF8.GetBytes(word).Select(b => s_byteLetters[b]));
        ids.AddRange(_pairs.EncodeToIds(letters, considerPreTokenization: false, considerNormalization: false));
    }

    private IEnumerable<(string Part, int? Special)> CutAtSpecials(string text)
    {
        var start = 0;
        for (var i = 0; i < text.Length;)
        {
            var token = _vocabulary.Specials.Keys.Where(key => string.CompareOrdinal(text, i, key, 0, key.Length) == 0).MaxBy(key => key.Length);
            if (token is null)
            {
                i++;
                continue;
            }
            if (i > start) yield return (text[start..i], null);
            yield return (token, _vocabulary.Specials[token]);
            start = i += token.Length;
        }
        if (start < text.Length) yield return (text[start..], null);
    }

    private static BpeTokenizer Pairs(ClipVocabulary vocabulary, string folder)
    {
        try
        {
            return BpeTokenizer.Create(new BpeOptions(vocabulary.Pieces)
            {
                Merges = vocabulary.Merges.Select(rule => $"{rule.First} {rule.Second}"),
                EndOfWordSuffix = EndOfWord,
                UnknownToken = vocabulary.Pieces.First(piece => piece.Value == vocabulary.Unknown).Key,
            });
        }
        catch (Exception e) when (e is InvalidOperationException or ArgumentException or InvalidDataException)
        {
            throw new DiffSynthException($"The tokenizer in '{folder}' does not fit together: {e.Message}", e);
        }
    }

    // Every byte as a printable letter: GPT-2's table (openai/gpt-2, src/encoder.py, bytes_to_unicode).
    private static string[] ByteLetters()
    {
        var next = 256;
        static bool IsPrintable(int b) => b is (>= '!' and <= '~') or (>= 0xA1 and <= 0xAC) or (>= 0xAE and <= 0xFF);
        return [.. Enumerable.Range(0, 256).Select(b => ((char)(IsPrintable(b) ? b : next++)).ToString())];
    }
}
