using DiffSynthSharp.Adapters.Lora;

namespace DiffSynthSharp.Generation;

/// <summary>The LoRAs of one request on the model; disposing it takes them off again.</summary>
internal sealed class LoraStack : IDisposable
{
    private readonly List<LoraAttachment> _attached = [];

    private LoraStack()
    {
    }

    /// <summary>What became of each file, in the order of the request.</summary>
    public IReadOnlyList<LoraLedger> Ledgers => [.. _attached.Select(attachment => attachment.Ledger)];

    /// <summary>Puts LoRAs on a model.</summary>
    /// <param name="networks">The model's networks.</param>
    /// <param name="family">The model's family.</param>
    /// <param name="loras">The files.</param>
    /// <param name="strict">Whether every tensor has to fit.</param>
    /// <param name="say">Takes a line for each file.</param>
    /// <exception cref="DiffSynthException">A file can't be read, is for another family, or fits in part only while that isn't enough.</exception>
    public static LoraStack Attach(IReadOnlyList<AdaptedNetwork> networks, string family, IEnumerable<LoraUse> loras, bool strict, Action<string> say)
    {
        var stack = new LoraStack();
        try
        {
            foreach (var lora in loras)
            {
                using var file = LoraFile.Open(lora.Path);
                var attachment = LoraAttachment.Attach(networks, file, lora.Scale, lora.IgnoreAlpha);
                stack._attached.Add(attachment);
                Check(attachment.Ledger, family, strict);
                say(attachment.Ledger.Summary);
            }
            return stack;
        }
        catch
        {
            stack.Dispose();
            throw;
        }
    }

    /// <summary>Takes them off.</summary>
    public void Dispose()
    {
        foreach (var attachment in _attached) attachment.Dispose();
        _attached.Clear();
    }

    // A file for a larger relative can share some of the smaller one's names and shapes; what it would paint then is noise. A file of this family may hold some modules for others.
    private static void Check(LoraLedger ledger, string family, bool strict)
    {
        var fits = $"{ledger.Matched.Count} of its {ledger.Modules} modules name a layer of its shape";
        if (ledger.LooksLike is { } other && other != family && ledger.Matched.Count * 4 < ledger.Modules)
            throw new DiffSynthException($"The LoRA '{ledger.Path}' is one of {other}; the model is {family}, and {fits}. Choose one made for {family}.");
        if (ledger.Matched.Count == 0) throw new DiffSynthException($"The LoRA '{ledger.Path}' doesn't fit {family}: {fits}.");
        if (strict && !ledger.IsComplete) throw new DiffSynthException($"Not all of a LoRA fits, which was asked for: {ledger.Summary}");
    }
}
