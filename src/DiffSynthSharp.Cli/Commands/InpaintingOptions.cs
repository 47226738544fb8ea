using System.CommandLine;
using DiffSynthSharp.Imaging;

namespace DiffSynthSharp.Cli.Commands;

/// <summary>Making a part of the initial picture anew.</summary>
internal sealed class InpaintingOptions : RequestOptions
{
    private readonly Option<string?> _mask = Values.Text("--mask", "FILE", "With --init: only what is white in this picture is made anew (inpainting). Any checkpoint can; those made for it do it best.");

    private readonly Option<double?> _blur = Values.Number("--mask-blur", "PIXELS", "Softens the mask's edge. Default: 4.");

    private readonly Option<int?> _expand = Values.Whole("--mask-expand", "PIXELS", "Grows the mask's white part before it is softened; negative shrinks it. Default: 0.");

    private readonly Option<bool?> _paste = new("--paste-original")
    {
        Description = "Whether black parts of the mask get their own pixels back, bit for bit. Default: true.",
        HelpName = "true|false",
    };

    public override IEnumerable<Option> All => [_mask, _blur, _expand, _paste];

    public override GenerationRequest Apply(ParseResult parsed, GenerationRequest request, Action<string> say)
    {
        var file = parsed.GetValue(_mask);
        if (file is null && request.Mask is null)
        {
            foreach (var option in new Option[] { _blur, _expand, _paste })
                if (parsed.GetResult(option) is not null) throw new DiffSynthException($"{option.Name} needs a mask: name it with --mask.");
            return request;
        }
        if (request.Init is not { } init) throw new DiffSynthException("--mask needs the picture it belongs to: name it with --init.");
        var mask = file is null ? request.Mask! : new InpaintMask(Picture.Load(file));
        if ((mask.Picture.Width, mask.Picture.Height) != (init.Picture.Width, init.Picture.Height))
            say($"The mask was resized from {mask.Picture.Width}x{mask.Picture.Height} to {init.Picture.Width}x{init.Picture.Height}.");
        return request with
        {
            Mask = mask with
            {
                Blur = parsed.GetValue(_blur) ?? mask.Blur,
                Expand = parsed.GetValue(_expand) ?? mask.Expand,
                PasteOriginal = parsed.GetValue(_paste) ?? mask.PasteOriginal,
            },
        };
    }
}
