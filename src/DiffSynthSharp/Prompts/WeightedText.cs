namespace DiffSynthSharp.Prompts;

/// <summary>A piece of a prompt and how much it weighs.</summary>
/// <param name="Text">Text as it goes to the tokenizer, escapes resolved.</param>
/// <param name="Weight">1 is neutral.</param>
/// <param name="IsBreak">The word BREAK: what follows begins a new row of tokens. The text is then the word itself.</param>
internal readonly record struct WeightedText(string Text, double Weight, bool IsBreak = false);
