using DiffSynthSharp.Families;
using DiffSynthSharp.Imaging;
using DiffSynthSharp.Models.Control;
using static TorchSharp.torch;

namespace DiffSynthSharp.Generation;

/// <summary>The ControlNets of a request, opened, and the pictures they follow in each pass.</summary>
internal sealed class ControlInputs
{
    private readonly List<(ControlUse Use, ControlNet Network)> _controls;
    private readonly Dictionary<(ControlUse Use, int Width, int Height), Picture> _conditions = [];
    private readonly Device _device;
    private readonly Action<string> _say;

    private ControlInputs(List<(ControlUse Use, ControlNet Network)> controls, Device device, Action<string> say) => (_controls, _device, _say) = (controls, device, say);

    /// <summary>Opens what the request names. A scale of 0 is as if there were none.</summary>
    /// <param name="request">Its controls.</param>
    /// <param name="family">The model, which keeps the networks for the next request.</param>
    /// <param name="say">Takes a line for the user.</param>
    /// <exception cref="DiffSynthException">A file is missing, damaged, or doesn't fit the model.</exception>
    public static ControlInputs Open(GenerationRequest request, LoadedFamily family, Action<string> say)
    {
        var uses = request.Controls.Where(use => use.Scale != 0).ToList();
        var networks = uses.Count == 0 ? [] : family.Controls.Use(uses.Select(use => use.Path));
        foreach (var use in uses) say($"ControlNet {Path.GetFileName(use.Path)}: scale {use.Scale:0.##}{(use is { Start: 0, End: 1 } ? "" : $", from {use.Start:0.##} to {use.End:0.##} of the steps")}.");
        return new([.. uses.Zip(networks)], family.Device, say);
    }

    /// <summary>The controls of a pass.</summary>
    /// <param name="pass">Its size and steps.</param>
    /// <param name="sources">What each picture of the batch starts from, which controls without a picture of their own follow; not in the first pass.</param>
    public IReadOnlyList<ScheduledControl> Of(PassPlan pass, IReadOnlyList<Picture?> sources) =>
    [
        .. from control in _controls
           where control.Use.Picture is not null || pass.HighRes is not null
           let conditions = control.Use.Picture is { } own ? [Kept(control.Use, own, pass)] : sources.Select(source => Condition(control.Use, source!, pass)).ToList()
           let active = new ActiveControl(control.Network, Hint(conditions), control.Use.Scale, control.Use.Guess)
           select new ScheduledControl(active, control.Use.Start, control.Use.End, pass.Sampling.Steps),
    ];

    // A batch follows the batch before in the same pass.
    private Picture Kept(ControlUse use, Picture picture, PassPlan pass)
        => _conditions.TryGetValue((use, pass.Width, pass.Height), out var known) ? known : _conditions[(use, pass.Width, pass.Height)] = Condition(use, picture, pass);

    private Picture Condition(ControlUse use, Picture picture, PassPlan pass)
    {
        var (width, height) = (pass.Width, pass.Height);
        if ((picture.Width, picture.Height) == (width, height)) return picture;
        var isCropped = (long)picture.Width * height != (long)picture.Height * width;
        _say($"The control picture{(picture.Origin is { } file ? $" {Path.GetFileName(file)}" : "")} was {(isCropped ? "cropped and " : "")}resized from {picture.Width}x{picture.Height} to {width}x{height}.");
        return FittedPicture.Upload(picture, width, height);
    }

    private Tensor Hint(IReadOnlyList<Picture> conditions)
    {
        using var scope = NewDisposeScope();
        var rows = conditions.Select(picture => tensor(picture.Rgb.ToArray(), [1, picture.Height, picture.Width, 3], ScalarType.Byte)).ToArray();
        return cat(rows).permute(0, 3, 1, 2).to(_device).MoveToOuterDisposeScope();
    }
}
