using System.Globalization;

namespace DiffSynthSharp.Prompts;

/// <summary>Reads <c>(more)</c>, <c>[less]</c>, <c>(weighted:1.3)</c>, <c>\(</c> and BREAK.</summary>
/// <remarks>
/// The rules of AUTOMATIC1111/stable-diffusion-webui 1.10, modules/prompt_parser.py (<c>parse_prompt_attention</c>), but that a weight which is no number
/// (<c>(a:1.2.3)</c>) is text.
/// </remarks>
internal sealed class AttentionParser
{
    private const double Step = 1.1;
    private const string Break = "BREAK";

    private readonly string _text;
    private readonly List<WeightedText> _pieces = [];
    private readonly Stack<int> _round = [];
    private readonly Stack<int> _square = [];

    private AttentionParser(string text) => _text = text;

    /// <summary>The pieces of a prompt in order; at least one.</summary>
    /// <exception cref="DiffSynthException">The prompt is longer or its brackets deeper than is read.</exception>
    public static IReadOnlyList<WeightedText> Parse(string text)
    {
        PromptCharacters.CheckLength(text);
        var parser = new AttentionParser(text);
        for (var i = 0; i < text.Length;) i += parser.ReadAt(i);
        while (parser._round.Count > 0) parser.Multiply(parser._round.Pop(), Step);
        while (parser._square.Count > 0) parser.Multiply(parser._square.Pop(), 1 / Step);
        return parser.Joined();
    }

    // How many letters were read.
    private int ReadAt(int i)
    {
        switch (_text[i])
        {
            case '\\':
                var literal = i + 1 < _text.Length && "()[]\\".Contains(_text[i + 1]) ? _text.Substring(i + 1, 1) : "";
                _pieces.Add(new(literal, 1));
                return 1 + literal.Length;
            case '(': Open(_round); return 1;
            case '[': Open(_square); return 1;
            case ')' when _round.Count > 0: Multiply(_round.Pop(), Step); return 1;
            case ']' when _square.Count > 0: Multiply(_square.Pop(), 1 / Step); return 1;
            case ':' when _round.Count > 0 && WeightAt(i) is var (weight, letters):
                Multiply(_round.Pop(), weight);
                return letters;
            case ':' or ')' or ']':
                _pieces.Add(new(_text.Substring(i, 1), 1));
                return 1;
            default:
                var end = _text.AsSpan(i).IndexOfAny("\\()[]:");
                var letterCount = end < 0 ? _text.Length - i : end;
                AddText(_text.Substring(i, letterCount));
                return letterCount;
        }
    }

    private void Open(Stack<int> brackets)
    {
        brackets.Push(_pieces.Count);
        PromptCharacters.CheckDepth(_round.Count + _square.Count);
    }

    private void Multiply(int from, double factor)
    {
        for (var i = from; i < _pieces.Count; i++) _pieces[i] = _pieces[i] with { Weight = _pieces[i].Weight * factor };
    }

    private (double Weight, int Letters)? WeightAt(int colon)
    {
        var start = PromptCharacters.SkipBlanks(_text, colon + 1);
        var end = start;
        if (end < _text.Length && _text[end] is '+' or '-') end++;
        while (end < _text.Length && _text[end] is '.' or (>= '0' and <= '9')) end++;
        var close = PromptCharacters.SkipBlanks(_text, end);
        if (close == _text.Length || _text[close] != ')') return null;
        return double.TryParse(_text.AsSpan(start, end - start), NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var weight)
            ? (weight, close + 1 - colon) : null;
    }

    private void AddText(string text)
    {
        var start = 0;
        foreach (var at in PromptCharacters.PlacesOf(text, Break))
        {
            _pieces.Add(new(PromptCharacters.TrimEnd(text[start..at]), 1));
            _pieces.Add(new(Break, -1, IsBreak: true));
            start = PromptCharacters.SkipBlanks(text, at + Break.Length);
        }
        _pieces.Add(new(text[start..], 1));
    }

    private List<WeightedText> Joined()
    {
        var joined = new List<WeightedText>();
        for (var i = 0; i < _pieces.Count;)
        {
            var weight = _pieces[i].Weight;
            var run = i;
            while (run < _pieces.Count && _pieces[run].Weight == weight) run++;
            run = Math.Max(run, i + 1);
            joined.Add(run == i + 1 ? _pieces[i] : new(string.Concat(_pieces.Skip(i).Take(run - i).Select(piece => piece.Text)), weight));
            i = run;
        }
        return joined.Count > 0 ? joined : [new("", 1)];
    }
}
