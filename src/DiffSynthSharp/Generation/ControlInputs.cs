using DiffSynthSharp.Families;
using DiffSynthSharp.Imaging;
using DiffSynthSharp.Layers;
using DiffSynthSharp.Models.Control;
using static TorchSharp.torch;

namespace DiffSynthSharp.Generation;

/// <summary>The ControlNets of a request, opened, and the pictures they follow in each pass.</summary>
internal sealed class ControlInputs
{
    private readonly List<(ControlUse Use, ControlNet Network)> _controls;
    private readonly Dictionary<(ControlUse Use, int Width, int Height), Picture> _conditions = [];
    private readonly GenerationRequest _request;
    private readonly Device _device;
    private readonly Action<string> _say;

    private ControlInputs(List<(ControlUse Use, ControlNet Network)> controls, GenerationRequest request, Device device, Action<string> say)
        => (_controls, _request, _device, _say) = (controls, request, device, say);

    /// <summary>Opens what the request names. A scale of 0 is as if there were none.</summary>
    /// <param name="request">Its controls.</param>
    /// <param name="family">The model, which keeps the networks for the next request.</param>
    /// <param name="say">Takes a line for the user.</param>
    /// <exception cref="DiffSynthException">A file is missing, damaged, or doesn't fit the model.</exception>
    public static ControlInputs Open(GenerationRequest request, LoadedFamily family, Action<string> say)
    {
        var uses = request.Controls.Where(use => use.Scale != 0).ToList();
        foreach (var use in uses) AnnotatorNames.Check(use.Annotator, use.AnnotatorFile);
        var networks = uses.Count == 0 ? [] : family.Controls.Use(uses.Select(use => use.Path));
        foreach (var use in uses) say($"ControlNet {Path.GetFileName(use.Path)}: scale {use.Scale:0.##}{(use is { Start: 0, End: 1 } ? "" : $", from {use.Start:0.##} to {use.End:0.##} of the steps")}.");
        return new([.. uses.Zip(networks)], request, family.Device, say);
    }

    /// <summary>The controls of a pass.</summary>
    /// <param name="pass">Its size and steps.</param>
    /// <param name="sources">What each picture of the batch starts from, which controls without a picture of their own follow; not in the first pass.</param>
    public IReadOnlyList<ScheduledControl> Of(PassPlan pass, IReadOnlyList<Picture?> sources) =>
    [
        .. from control in _controls
           where control.Use.Picture is not null || pass.HighRes is not null
           let conditions = control.Use.Picture is { } own ? [Kept(control.Use, own, pass)] : sources.Select(source => Condition(control.Use, source!, pass)).ToList()
           let active = new ActiveControl(control.Network, Hint(conditions, HiddenBy(control.Use, pass)), control.Use.Scale, control.Use.Guess)
           select new ScheduledControl(active, control.Use.Start, control.Use.End, pass.Sampling.Steps),
    ];

    // A batch follows the batch before in the same pass.
    private Picture Kept(ControlUse use, Picture picture, PassPlan pass)
        => _conditions.TryGetValue((use, pass.Width, pass.Height), out var known) ? known : _conditions[(use, pass.Width, pass.Height)] = Condition(use, picture, pass);

    private Picture Condition(ControlUse use, Picture picture, PassPlan pass)
        => AnnotatorNames.Run(use.Annotator, Fitted(picture, pass), use.AnnotatorFile, _device.ToString(), BlockBorder.Token);

    private Picture Fitted(Picture picture, PassPlan pass)
    {
        var (width, height) = (pass.Width, pass.Height);
        if ((picture.Width, picture.Height) == (width, height)) return picture;
        var isCropped = (long)picture.Width * height != (long)picture.Height * width;
        _say($"The control picture{(picture.Origin is { } file ? $" {Path.GetFileName(file)}" : "")} was {(isCropped ? "cropped and " : "")}resized from {picture.Width}x{picture.Height} to {width}x{height}.");
        return FittedPicture.Upload(picture, width, height);
    }

    // lllyasviel/ControlNet-v1-1-nightly, gradio_inpaint.py: what is to be made anew is -1, outside the range of pictures.
    private InpaintArea? HiddenBy(ControlUse use, PassPlan pass)
        => use.Annotator == "inpaint" && _request.Mask is { } mask ? InpaintArea.Of(mask, pass.Width, pass.Height) : null;

    private Tensor Hint(IReadOnlyList<Picture> conditions, InpaintArea? hidden)
    {
        using var scope = NewDisposeScope();
        var rows = conditions.Select(picture => tensor(picture.Rgb.ToArray(), [1, picture.Height, picture.Width, 3], ScalarType.Byte)).ToArray();
        var hint = cat(rows).permute(0, 3, 1, 2);
        if (hidden is not null) hint = where(hidden.White().gt(0), -byte.MaxValue, hint.to(ScalarType.Int16));
        return hint.to(_device).MoveToOuterDisposeScope();
    }
}
