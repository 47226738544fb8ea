using DiffSynthSharp.Tests;
using DiffSynthSharp.Training.FromScratch;
using DiffSynthSharp.Training.Optimization;
using TorchSharp;
using static TorchSharp.torch;

namespace DiffSynthSharp.Training.Tests.FromScratch;

public sealed class FromScratchTrainingTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    [Theory]
    [InlineData(FromScratchStage.Text, "text.safetensors")]
    [InlineData(FromScratchStage.Diffusion, "diffusion.safetensors")]
    public void A_run_that_is_stopped_and_resumed_gives_the_same_bits(FromScratchStage stage, string checkpoint)
    {
        var options = Tiny(_folder.Path);
        if (stage == FromScratchStage.Diffusion)
        {
            FromScratchTraining.Train(FromScratchStage.Autoencoder, options with { AutoencoderSteps = 1 }, _ => { });
            FromScratchTraining.Train(FromScratchStage.Text, options with { TextSteps = 1 }, _ => { });
        }
        options = options with { TextSteps = 4, DiffusionSteps = 4, CheckpointEvery = 2 };
        FromScratchTraining.Train(stage, options, _ => { });
        var whole = File.ReadAllBytes(_folder[checkpoint]);
        File.Delete(_folder[checkpoint]);
        using var stop = new CancellationTokenSource();
        Assert.Throws<OperationCanceledException>(() => FromScratchTraining.Train(stage, options, line =>
        {
            if (line.Contains("2/4", StringComparison.Ordinal)) stop.Cancel();
        }, stop.Token));
        Assert.NotEqual(whole, File.ReadAllBytes(_folder[checkpoint]));
        FromScratchTraining.Train(stage, options with { Resume = true }, _ => { });
        Assert.Equal(whole, File.ReadAllBytes(_folder[checkpoint]));
    }

    [Fact]
    public void Steps_on_the_same_captions_lower_the_loss()
    {
        using var task = new CaptionTask(new StarterVocabulary());
        using var parameters = new FlatParameters(task.Text, task.Answers);
        RandomInitializer.Fill(parameters, [], seed: 1, task.Text, task.Answers);
        using var state = new TrainingState(parameters);
        var losses = Enumerable.Range(0, 8).Select(_ =>
        {
            using var scope = NewDisposeScope();
            var loss = task.Loss(0);
            state.Advance(loss, new LearningRate(2e-3, 1, 100));
            return loss.ToDouble();
        }).ToList();
        Assert.True(losses[^1] < 0.8 * losses[0], string.Join(" ", losses));
    }

    [Fact]
    public void A_stage_without_its_predecessor_says_what_to_train_first()
    {
        var error = Assert.Throws<DiffSynthException>(() => FromScratchTraining.Train(FromScratchStage.Diffusion, Tiny(_folder.Path), _ => { }));
        Assert.Contains("train the stage 'autoencoder' first", error.Message, StringComparison.Ordinal);
        Assert.Throws<DiffSynthException>(() => FromScratchTraining.Train(FromScratchStage.All, Tiny(_folder.Path) with { Rate = double.NaN }, _ => { }));
    }

    [Fact]
    public void An_exported_folder_is_complete_and_paints()
    {
        FromScratchTraining.Train(FromScratchStage.Autoencoder, Tiny(_folder.Path), _ => { });
        FromScratchTraining.Train(FromScratchStage.Text, Tiny(_folder.Path), _ => { });
        FromScratchTraining.Train(FromScratchStage.Diffusion, Tiny(_folder.Path), _ => { });
        FromScratchTraining.Export(Tiny(_folder.Path), _folder["model"]);
        Assert.Empty(ModelInspector.Inspect(_folder["model"]).Missing);
        using var model = DiffusionModel.Load(_folder["model"]);
        var picture = model.Generate(new() { Prompt = "a red car by the sea", Steps = 2 })[0].Picture;
        Assert.Equal((128, 128), (picture.Width, picture.Height));

        var index = _folder["model/model_index.json"];
        File.WriteAllText(index, File.ReadAllText(index).Replace("\"_guidance_scale\": 3", "\"_guidance_scale\": 1e999", StringComparison.Ordinal));
        Assert.Contains("expected 0 … 100", Assert.Throws<DiffSynthException>(() => DiffusionModel.Load(_folder["model"])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Standard_latents_do_not_change_what_the_autoencoder_gives_back()
    {
        var task = new AutoencoderTask();
        using var network = task.Network;
        using var parameters = new FlatParameters(network);
        RandomInitializer.Fill(parameters, [], seed: 1, network);
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        var pictures = DrawingBatch.Paint([.. Enumerable.Range(0, 2).Select(i => Training.Drawings.DrawingPlan.Of(i))]);
        var before = network.forward(pictures);
        var latents = network.Encode(pictures).Mean;
        AutoencoderTask.Standardize(network, latents.mean([0, 2, 3]), latents.std([0, 2, 3]));
        var standard = network.Encode(pictures).Mean;
        Assert.InRange(standard.mean([0, 2, 3]).abs().max().ToSingle(), 0, 1e-4f);
        Assert.InRange((standard.std([0, 2, 3]) - 1).abs().max().ToSingle(), 0, 1e-4f);
        Assert.InRange((network.forward(pictures) - before).abs().max().ToSingle(), 0, 1e-4f * before.abs().max().ToSingle());
    }

    private static FromScratchOptions Tiny(string folder)
        => new() { Output = folder, AutoencoderSteps = 1, TextSteps = 1, DiffusionSteps = 1, Drawings = 16, CheckpointEvery = 100 };

    public void Dispose() => _folder.Dispose();
}
