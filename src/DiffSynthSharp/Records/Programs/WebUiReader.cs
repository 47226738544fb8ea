using DiffSynthSharp.Imaging;
using DiffSynthSharp.Prompts;

namespace DiffSynthSharp.Records.Programs;

/// <summary>What AUTOMATIC1111's web page and those who write as it does say of a picture.</summary>
/// <remarks>AUTOMATIC1111/stable-diffusion-webui 1.10, modules/infotext_utils.py and modules/processing.py.</remarks>
internal static class WebUiReader
{
    public static ForeignRecord? Read(Infotext text)
    {
        if (text.Fields.Count == 0) return null;
        var fields = new ForeignFields(text.Fields);
        fields.Ignore("Version", "User", "Lora hashes", "TI hashes", "Hashes", "VAE hash", "Hypernet", "Hypernet strength", "First pass size-1", "First pass size-2");
        var (model, hash) = (fields.Text("Model"), fields.Text("Model hash"));
        var request = new GenerationRequest
        {
            Prompt = WithoutTags(text.Prompt, fields),
            Negative = text.Negative.Length == 0 ? null : WithoutTags(text.Negative, fields),
            LongPrompt = LongPrompt.Chunks,
            Steps = fields.Whole("Steps", 1, 1000) ?? 20,
            Seeds = [fields.Seed("Seed") ?? 0],
            Guidance = fields.Number("CFG scale", 0, 100),
            GuidanceRescale = fields.Number("CFG Rescale", 0, 1) ?? 0,
            ClipSkip = fields.Whole("Clip skip", 1, 100) ?? 1,
            Width = fields.Whole("Size-1", 1, ForeignFields.LargestSide),
            Height = fields.Whole("Size-2", 1, ForeignFields.LargestSide),
        };
        request = WithEmphasis(WithSampler(request, fields), fields);
        var strength = fields.Number("Denoising strength", 0, 1);
        request = WithHighRes(request, fields, ref strength);
        if (strength is not null) fields.Say("The initial picture is not in the text: name it with --init.");
        if (fields.Text("VAE") is { } vae) fields.Note("VAE", vae, "name its file with --vae");
        if (fields.Text("RNG") is not "CPU" and var generator)
            fields.Note("RNG", generator ?? "GPU", "its noise comes from a graphics card's generator, ours from the processor's: another picture");
        return new("AUTOMATIC1111", request) { Model = model, ModelHash = hash, Strength = strength, NotMapped = fields.Finish() };
    }

    /// <summary>The prompt without tags that name files, which are noted.</summary>
    public static string WithoutTags(string prompt, ForeignFields fields)
    {
        var (plain, tags) = NetworkTags.Extract(prompt);
        foreach (var tag in tags)
            fields.Say($"<{ForeignFields.Shown($"{tag.Kind}:{string.Join(':', tag.Positional)}")}> ({(tag.Kind is "lora" or "lyco" ? "name the LoRA's file with --lora" : "not known here")})");
        return plain.Trim();
    }

    private static GenerationRequest WithSampler(GenerationRequest request, ForeignFields fields)
    {
        var (sampler, schedule) = (fields.Text("Sampler"), fields.Text("Schedule type"));
        if (sampler is null) return request;
        var ours = SamplerLabels.OfWebUi(sampler, schedule);
        if (ours.Sampler is null) fields.Note("Sampler", sampler, "not known here");
        if (ours.Schedule is null && schedule is not null) fields.Note("Schedule type", schedule, "not known here");
        return request with { Sampler = ours.Sampler, Schedule = ours.Schedule };
    }

    private static GenerationRequest WithEmphasis(GenerationRequest request, ForeignFields fields)
    {
        var emphasis = fields.Text("Emphasis");
        if (emphasis is not (null or "Original" or "No norm" or "None")) fields.Note("Emphasis", emphasis, "not known here");
        return emphasis switch
        {
            "No norm" => request with { EmphasisMean = EmphasisMean.Kept },
            "None" => request with { Syntax = PromptSyntax.Plain },
            _ => request,
        };
    }

    // With a second pass the strength is that pass's.
    private static GenerationRequest WithHighRes(GenerationRequest request, ForeignFields fields, ref double? strength)
    {
        var (scale, width, height) = (fields.Number("Hires upscale", 1, 16), Side(fields, "Hires resize-1"), Side(fields, "Hires resize-2"));
        if ((scale is null && (width, height) == (0, 0)) || request is not { Width: { } firstWidth, Height: { } firstHeight }) return request;
        var size = PictureSizes.HighRes(firstWidth, firstHeight, scale ?? 1, width, height);
        if ((size.CutWide, size.CutTall) != (0, 0))
            fields.Say($"Hires resize: the second pass ran at {size.Width}x{size.Height} and was cut to {width}x{height}; here it runs at {width}x{height}.");
        if (fields.Text("Hires upscaler") is { } upscaler && upscaler != nameof(ResizeFilter.Bicubic))
            fields.Note("Hires upscaler", upscaler, "the picture is resized instead, or enlarged by the ESRGAN file that --upscaler names");
        var isBoth = width != 0 && height != 0;
        var pass = new HighResPass(isBoth ? width : size.Width, isBoth ? height : size.Height)
        {
            Strength = strength ?? 0.75,
            Steps = fields.Whole("Hires steps", 0, 1000) is > 0 and var steps ? steps : null,
            StepList = StepList.Kept,
        };
        strength = null;
        return request with { HighRes = [pass] };
    }

    private static int Side(ForeignFields fields, string name) => fields.Whole(name, 0, ForeignFields.LargestSide) ?? 0;
}
