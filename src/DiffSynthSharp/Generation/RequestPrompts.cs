using DiffSynthSharp.Families;
using DiffSynthSharp.Prompts;

namespace DiffSynthSharp.Generation;

/// <summary>The prompts of a request, laid out over the steps of its passes; every text is encoded once.</summary>
internal sealed class RequestPrompts
{
    private const string PromptName = "prompt";

    private readonly LoadedFamily _family;
    private readonly GenerationRequest _request;
    private readonly Dictionary<PassPlan, PromptInputs> _inputs = [];
    private readonly Dictionary<int, Dictionary<string, Conditioning>> _encoded = [];
    private readonly Dictionary<(string Text, int ClipSkip), string> _names = [];

    private RequestPrompts(LoadedFamily family, GenerationRequest request) => (_family, _request) = (family, request);

    /// <summary>Reads and encodes every prompt.</summary>
    /// <param name="family">Whose text encoder.</param>
    /// <param name="request">The prompts.</param>
    /// <param name="passes">The passes, in their order.</param>
    /// <param name="encoding">Told the number of the text that is begun, and of all.</param>
    /// <param name="say">Takes a line for the user.</param>
    /// <exception cref="DiffSynthException">A prompt or an embedding can't be used.</exception>
    public static RequestPrompts Encode(LoadedFamily family, GenerationRequest request, IReadOnlyList<PassPlan> passes, Action<int, int> encoding, Action<string> say)
    {
        var prompts = new RequestPrompts(family, request);
        using var embeddings = family.LoadEmbeddings(request.Embeddings);
        var (steps, index) = (0, 0);
        foreach (var pass in passes)
        {
            prompts.LayOut(pass, new(Math.Max(1, pass.Sampling.Steps), steps, index++));
            steps += pass.Sampling.Steps;
        }
        prompts.EncodeAll(embeddings, encoding, say);
        if (prompts._inputs.Values.All(inputs => inputs.Negative is null)) SayUnguided(request, say);
        foreach (var word in embeddings.Unused) say($"The embedding '{word}' changes nothing: its keyword stands in no prompt.");
        return prompts;
    }

    /// <summary>The prompts of a pass.</summary>
    public PromptInputs Of(PassPlan pass) => _inputs[pass];

    private static void SayUnguided(GenerationRequest request, Action<string> say)
    {
        string?[] unread =
        [
            string.IsNullOrEmpty(request.Negative) ? null : "the negative prompt", request.GuidanceRescale == 0 ? null : "the guidance rescale",
            request.SkipLayers is null ? null : "skip-layer guidance", request.Controls.Any(control => control.Guess) ? "guess mode" : null,
        ];
        foreach (var what in unread.OfType<string>()) say($"Without guidance {what} changes nothing: --guidance above 1 switches it on.");
    }

    private void LayOut(PassPlan pass, EditTimeline timeline)
    {
        var clipSkip = _request.ClipSkip;
        var positive = Contexts(_request.Prompt, PromptName, clipSkip, timeline);
        var regions = _request.Regions.Select((region, i) => Contexts(region.Prompt, $"prompt of region {i + 1}", clipSkip, timeline)).ToList();
        var isGuided = (_request.Guidance ?? _family.DefaultGuidance) > 1 || positive.IsComposed || regions.Any(region => region.IsComposed);
        var negative = isGuided ? Contexts(_request.Negative ?? "", "negative prompt", _request.NegativeClipSkip ?? clipSkip, timeline, composes: false) : null;
        _inputs[pass] = new(positive, negative, regions);
    }

    private PromptContexts Contexts(string prompt, string name, int clipSkip, EditTimeline timeline, bool composes = true)
    {
        var parts = PromptSchedule.Of(prompt, _request.Syntax, timeline, composes);
        foreach (var (_, text) in parts.SelectMany(part => part.Texts)) _names.TryAdd((text, clipSkip), name);
        if (!_encoded.TryGetValue(clipSkip, out var encoded)) _encoded[clipSkip] = encoded = [];
        return new(parts, encoded);
    }

    private void EncodeAll(EmbeddingTable embeddings, Action<int, int> encoding, Action<string> say)
    {
        var (done, said) = (0, new HashSet<string>());
        foreach (var ((text, clipSkip), name) in _names)
        {
            encoding(done++, _names.Count);
            var reading = new PromptReading
            {
                TextLength = _request.TextLength,
                SecondText = name == PromptName ? _request.SecondPrompt : null,
                Syntax = _request.Syntax,
                ClipSkip = clipSkip,
                LongPrompt = _request.LongPrompt,
                Mean = _request.EmphasisMean,
                Embeddings = embeddings,
                Name = name,
            };
            _encoded[clipSkip][text] = _family.Encode(text, reading, line =>
            {
                if (said.Add(line)) say(line);
            });
        }
    }
}
