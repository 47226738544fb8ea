using System.Text.Json;
using DiffSynthSharp.Families;
using DiffSynthSharp.Generation;
using DiffSynthSharp.Imaging;
using DiffSynthSharp.Memory;
using DiffSynthSharp.Tests.Generation;
using DiffSynthSharp.Tests.Goldens;
using static TorchSharp.torch;

namespace DiffSynthSharp.Tests.Families;

/// <summary>Stable Diffusion 1.x with all that a layer can hold as stored, however small it is.</summary>
[Collection(nameof(LeakTests))]
public sealed class StableDiffusionMemoryTests : IDisposable
{
    private static readonly GoldenFolder s_loras = GoldenFolder.All().First(folder => folder.Name == "lora-sd15");
    private static readonly GoldenFolder s_pipeline = GoldenFolder.All().First(folder => folder.Name == "pipeline-sd15");
    private static readonly Picture s_half = new(64, 64, [.. Enumerable.Range(0, 3 * 64 * 64).Select(i => (byte)(i / 3 % 64 < 32 ? 255 : 0))]);
    private readonly List<TemporaryFile> _files = [];

    public void Dispose()
    {
        foreach (var file in _files) file.Dispose();
    }

    [Theory]
    [InlineData("folder")]
    [InlineData("single")]
    [InlineData("inpaint")]
    public void A_picture_is_the_same_in_every_mode(string model)
    {
        var path = model == "folder" ? TinyModel.Folder : model == "single" ? TinyModel.SingleFile : TinyModel.InpaintingFile;
        SameInEveryMode(path, TinyModel.Request with { Init = new(s_half, 0.9), Mask = new(s_half), HighRes = [new(96, 96)], Tiles = new(8, 4) });
    }

    [Theory]
    [InlineData("kohya")]
    [InlineData("dora")]
    [InlineData("locon-tucker")]
    public void Adapters_and_ControlNets_work_on_streamed_layers(string layout)
    {
        _files.Add(s_loras.WriteWeights(layout));
        using var content = JsonDocument.Parse("""{"table": "weights.ldm-controlnet.tsv"}""");
        var control = PipelineModels.File(s_pipeline, content.RootElement);
        var changed = SameInEveryMode(TinyModel.Folder, TinyModel.Request with { Loras = [new(_files[^1].Path, 0.8)], Controls = [new(control, s_half) { Annotator = "canny" }] });
        Assert.NotEqual(changed, SameInEveryMode(TinyModel.Folder, TinyModel.Request));
    }

    private static float[] SameInEveryMode(string path, GenerationRequest request)
    {
        float[]? first = null;
        foreach (var mode in Enum.GetValues<MemoryMode>())
        {
            using var family = Load(path, mode);
            for (var run = 0; run < 2; run++)
            {
                var latents = new PictureGenerator(family, null, default).Generate(request)[0].Latents;
                Assert.Equal(first ??= latents, latents);
            }
            if (mode == MemoryMode.Low) Assert.True(family.DiskUse.BytesRead > 0);
        }
        return first!;
    }

    private static LoadedFamily Load(string path, MemoryMode mode)
    {
        using var files = ModelFiles.Open(path);
        var residency = new Residency(CPU, new(mode, mode == MemoryMode.Low ? 1 : long.MaxValue, "")) { SmallNetworkBytes = 0, SmallParameterBytes = 0 };
        return FamilyCatalogue.Find(files)!.Load(files, new(CPU, residency, null));
    }
}
