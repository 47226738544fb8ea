using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace DiffSynthSharp.Prompts;

/// <summary>Lays <c>[from:to:when]</c> and <c>[one|other]</c> out over the steps.</summary>
/// <remarks>
/// The language of AUTOMATIC1111/stable-diffusion-webui 1.10, modules/prompt_parser.py (<c>schedule_parser</c>): a bracket that is no rule of it is text, and a
/// prompt that the language refuses (a bar outside of square brackets, a backslash at the end) is text as a whole.
/// </remarks>
internal sealed partial class PromptEditing
{
    private readonly string _text;
    private readonly EditTimeline _timeline;
    private readonly Stack<Bracket> _open = [];
    private readonly SortedSet<int> _changes = [];
    private bool _changesEachStep;
    private bool _isRefused;

    private PromptEditing(string text, EditTimeline timeline) => (_text, _timeline) = (text, timeline);

    /// <summary>What is open, with what stands in it so far; the outermost is the prompt itself.</summary>
    private sealed class Bracket(char opener)
    {
        public char Opener => opener;

        public List<EditedPrompt> Pieces { get; } = [];

        /// <summary>Where among the pieces a colon or a bar stands.</summary>
        public List<(char Letter, int Piece)> Separators { get; } = [];

        /// <summary>False when something in it is no rule of the language, which makes the bracket text.</summary>
        public bool IsSound { get; set; } = true;
    }

    /// <summary>The prompt's text up to each of its changes: (last step, counted from 1; text), the last step last.</summary>
    /// <exception cref="DiffSynthException">The prompt is longer or its brackets deeper than is read.</exception>
    public static IReadOnlyList<(int Until, string Text)> Schedule(string text, EditTimeline timeline)
    {
        PromptCharacters.CheckLength(text);
        var editing = new PromptEditing(text, timeline);
        var pieces = editing.Read();
        if (editing._isRefused) return [(timeline.Steps, text)];
        editing._changes.Add(timeline.Steps);
        var last = editing._changesEachStep ? Enumerable.Range(1, timeline.Steps) : editing._changes;
        return [.. last.Select(step => (step, TextAt(pieces, step)))];
    }

    private static string TextAt(IReadOnlyList<EditedPrompt> pieces, int step)
    {
        var text = new StringBuilder();
        EditedPrompt.WriteAll(pieces, text, step);
        return text.ToString();
    }

    private List<EditedPrompt> Read()
    {
        _open.Push(new('\0'));
        for (var i = 0; i < _text.Length && !_isRefused;) i += ReadAt(i);
        CloseAllAsText();
        var prompt = _open.Pop();
        if (prompt.Separators.Any(separator => separator.Letter == '|')) _isRefused = true;
        return prompt.Pieces;
    }

    // How many letters were read.
    private int ReadAt(int i)
    {
        var letter = _text[i];
        switch (letter)
        {
            case '(' or '[':
                _open.Push(new(letter));
                PromptCharacters.CheckDepth(_open.Count - 1);
                return 1;
            case ')' or ']':
                if (_open.Peek().Opener == (letter == ')' ? '(' : '[')) Close(letter);
                else CloseByNothing(letter);
                return 1;
            case ':' or '|':
                _open.Peek().Separators.Add((letter, _open.Peek().Pieces.Count));
                AddText(letter.ToString());
                return 1;
            case '\\' when i + 1 == _text.Length || _text[i + 1] == '\n':
                _isRefused = true;
                return 1;
            default:
                var end = i;
                while (end < _text.Length && !"()[]:|".Contains(_text[end]) && (_text[end] != '\\' || (end + 1 < _text.Length && _text[end + 1] != '\n')))
                    end += _text[end] == '\\' ? 2 : 1;
                AddText(_text[i..end]);
                return end - i;
        }
    }

    private void AddText(string text) => _open.Peek().Pieces.Add(new EditedPrompt.Literal(text));

    private void Close(char closer)
    {
        var bracket = _open.Pop();
        if (bracket is { IsSound: true, Opener: '[' } && ((EditedPrompt?)Swap(bracket) ?? Alternation(bracket)) is { } change)
        {
            _open.Peek().Pieces.Add(change);
            return;
        }
        // What remains is emphasis, (text) or (text:weight) or [text], or no rule at all.
        var isEmphasis = bracket.Separators.Count <= (bracket.Opener == '(' ? 1 : 0) && bracket.Separators.All(separator => separator.Letter == ':');
        Spill(bracket, isSound: bracket.IsSound && isEmphasis);
        AddText(closer.ToString());
    }

    // A closing bracket without its opener: whatever is open encloses it, and is text then.
    private void CloseByNothing(char closer)
    {
        CloseAllAsText();
        AddText(closer.ToString());
    }

    private void CloseAllAsText()
    {
        while (_open.Count > 1) Spill(_open.Pop(), isSound: false);
    }

    // The bracket's letters and pieces become part of what is around it.
    private void Spill(Bracket bracket, bool isSound)
    {
        AddText(bracket.Opener.ToString());
        var around = _open.Peek();
        around.Pieces.AddRange(bracket.Pieces);
        around.IsSound &= isSound;
        if (bracket.Separators.Any(separator => separator.Letter == '|')) _isRefused = true;
    }

    private EditedPrompt.Swap? Swap(Bracket bracket)
    {
        if (bracket.Separators.Count is 0 or > 2 || bracket.Separators.Any(separator => separator.Letter != ':')) return null;
        var parts = Parts(bracket);
        if (parts[^1].Any(piece => piece is not EditedPrompt.Literal)) return null;
        var match = Number().Match(TextAt(parts[^1], 1));
        if (!match.Success) return null;
        var when = double.Parse(match.Groups[1].ValueSpan, NumberStyles.Float, CultureInfo.InvariantCulture);
        var until = _timeline.Until(when, match.Groups[1].ValueSpan.Contains('.'));
        if (until >= 1) _changes.Add(until);
        return new(parts.Count == 3 ? parts[0] : [], parts[^2], until);
    }

    private EditedPrompt.Alternation? Alternation(Bracket bracket)
    {
        if (bracket.Separators.Count == 0 || bracket.Separators.Any(separator => separator.Letter != '|')) return null;
        _changesEachStep = true;
        return new(Parts(bracket));
    }

    private static List<IReadOnlyList<EditedPrompt>> Parts(Bracket bracket)
    {
        var parts = new List<IReadOnlyList<EditedPrompt>>();
        var start = 0;
        foreach (var (_, piece) in bracket.Separators)
        {
            parts.Add(bracket.Pieces[start..piece]);
            start = piece + 1;
        }
        parts.Add(bracket.Pieces[start..]);
        return parts;
    }

    [GeneratedRegex(@"^[\s\x1c-\x1f]*([+-]?(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+)(?:[eE][+-]?[0-9]+)?)[\s\x1c-\x1f]*\z")]
    private static partial Regex Number();
}
