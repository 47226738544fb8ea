using System.CommandLine;

namespace DiffSynthSharp.Cli.Commands;

/// <summary>Files of a model's single parts.</summary>
internal sealed class PartOptions
{
    private readonly Option<string?> _vae = Values.Text("--vae", "FILE", "An autoencoder in place of the model's own, or for one that has none.");

    private readonly Option<string?> _clipL = Values.Text("--clip-l", "FILE", "The CLIP-L text encoder. Default: the model's own, else clip_l.safetensors beside it.");

    private readonly Option<string?> _clipG = Values.Text("--clip-g", "FILE", "The CLIP-G text encoder (Stable Diffusion 3). Default: the model's own, else clip_g.safetensors beside it.");

    private readonly Option<string?> _t5 = Values.Text("--t5", "FILE", "The T5 text encoder (FLUX.1, Stable Diffusion 3). Default: the model's own, else t5xxl_fp16.safetensors or its fp8 form beside it.");

    private readonly Option<string?> _tokenizers = Values.Text("--tokenizers", "FOLDER",
        "Where vocab.json and merges.txt (and spiece.model for T5) are, for single files that have none beside them. Default: beside the model, then the cache.");

    /// <summary>The options, in the order of the help.</summary>
    public IEnumerable<Option> All => [_vae, _clipL, _clipG, _t5, _tokenizers];

    /// <summary>What the command line says, beside other options.</summary>
    public LoadOptions Of(ParseResult parsed, LoadOptions others) => others with
    {
        Vae = parsed.GetValue(_vae),
        ClipL = parsed.GetValue(_clipL),
        ClipG = parsed.GetValue(_clipG),
        T5 = parsed.GetValue(_t5),
        Tokenizers = parsed.GetValue(_tokenizers),
    };
}
