using DiffSynthSharp.Prompts;

namespace DiffSynthSharp.Generation;

/// <summary>Takes <c>&lt;lora:name:0.8&gt;</c> out of a request's prompt and gives the LoRA of that name its strength.</summary>
internal static class PromptTags
{
    /// <summary>The request as its prompt's tags want it. What a tag names must be among the request's own files: a prompt opens none.</summary>
    /// <param name="request">With any prompt.</param>
    /// <param name="say">Takes a line for each tag that changes nothing.</param>
    /// <exception cref="DiffSynthException">A strength is no number.</exception>
    public static GenerationRequest Apply(GenerationRequest request, Action<string> say)
    {
        if (request.Syntax == PromptSyntax.Plain || !request.Prompt.Contains('<')) return request;
        var (prompt, tags) = NetworkTags.Extract(request.Prompt);
        var loras = request.Loras.Where(lora => !tags.Any(tag => Names(tag, lora))).ToList();
        foreach (var tag in tags)
        {
            if (tag.Kind != "lora")
                say($"<{tag.Kind}:{tag.Name}> in the prompt is left out: only <lora:…> is known.");
            else if (request.Loras.FirstOrDefault(lora => Names(tag, lora)) is { } named)
                loras.Add(named with { Scale = Strength(tag, say) });
            else
                say($"<lora:{tag.Name}> in the prompt is left out: no LoRA file of that name was given.");
        }
        return request with { Prompt = prompt, Loras = loras };
    }

    private static bool Names(NetworkTag tag, LoraUse lora)
        => tag.Kind == "lora" && string.Equals(Path.GetFileNameWithoutExtension(lora.Path), tag.Name, StringComparison.OrdinalIgnoreCase);

    private static double Strength(NetworkTag tag, Action<string> say)
    {
        var (text, unet) = tag.Strengths();
        if (text != unet) say($"<lora:{tag.Name}> asks for {text:0.###} on the text encoder and {unet:0.###} on the U-Net; {unet:0.###} is used on both.");
        return unet;
    }
}
