using System.CommandLine;
using DiffSynthSharp.Training.FromScratch;

namespace DiffSynthSharp.Cli.Commands;

/// <summary><c>diffsynth train</c>: models of one's own.</summary>
internal static class TrainCommand
{
    public static Command Create(Terminal terminal) => new("train", "Train a model.") { FromScratch(terminal) };

    private static Command FromScratch(Terminal terminal)
    {
        var options = new FromScratchArguments();
        var command = new CommandWithExamples("from-scratch",
            "Train the starter model from nothing: drawings with exact captions, an autoencoder, a text encoder, a U-Net.",
            "diffsynth train from-scratch --output run --export models/mine", "diffsynth train from-scratch --stage autoencoder --output run --resume",
            "diffsynth train from-scratch --stage diffusion --output run --diffusion-steps 20000 --resume");
        foreach (var option in options.All) command.Options.Add(option);
        command.SetAction((parsed, cancellation) => Task.FromResult(Run(terminal, options, parsed, cancellation)));
        return command;
    }

    private static int Run(Terminal terminal, FromScratchArguments arguments, ParseResult parsed, CancellationToken cancellation)
    {
        var options = arguments.Options(parsed);
        FromScratchTraining.Train(parsed.GetValue(arguments.Stage), options, terminal.Error.WriteLine, cancellation);
        if (parsed.GetValue(arguments.Export) is not { } folder) return 0;
        FromScratchTraining.Export(options, folder);
        terminal.Out.WriteLine(folder);
        return 0;
    }

    /// <summary>The options of <c>train from-scratch</c>.</summary>
    private sealed class FromScratchArguments
    {
        private static readonly FromScratchOptions s_defaults = new() { Output = "" };

        public Option<FromScratchStage> Stage { get; } = new("--stage")
        {
            Description = "What to train: autoencoder, text, diffusion, judge, or all of them.",
            DefaultValueFactory = _ => FromScratchStage.All,
        };

        public Option<string?> Export { get; } = Values.Text("--export", "FOLDER", "Write the trained model as a Hugging Face folder.");

        private Option<string> Output { get; } = new("--output", "-o")
        {
            Description = "Folder of checkpoints and sample sheets.",
            HelpName = "FOLDER",
            Required = true,
        };

        private Option<bool> Resume { get; } = Values.Flag("--resume", "Go on from the newest checkpoint, exactly where it stopped.");

        private Option<int?> AutoencoderSteps { get; }
            = Values.Whole("--autoencoder-steps", "N", $"Optimizer steps of the autoencoder (default {s_defaults.AutoencoderSteps}).");

        private Option<int?> TextSteps { get; } = Values.Whole("--text-steps", "N", $"Optimizer steps of the text encoder (default {s_defaults.TextSteps}).");

        private Option<int?> DiffusionSteps { get; }
            = Values.Whole("--diffusion-steps", "N", $"Optimizer steps of the U-Net (default {s_defaults.DiffusionSteps}).");

        private Option<int?> Drawings { get; } = Values.Whole("--drawings", "N", $"Drawings that the U-Net learns from (default {s_defaults.Drawings}).");

        private Option<int?> CheckpointEvery { get; }
            = Values.Whole("--checkpoint-every", "N", $"Steps between checkpoints (default {s_defaults.CheckpointEvery}).");

        private Option<double?> Rate { get; } = Values.Number("--rate", "R", $"Highest learning rate of autoencoder and U-Net (default {s_defaults.Rate}).");

        public IEnumerable<Option> All => [Stage, Output, Export, Resume, AutoencoderSteps, TextSteps, DiffusionSteps, Drawings, CheckpointEvery, Rate];

        public FromScratchOptions Options(ParseResult parsed) => new()
        {
            Output = parsed.GetRequiredValue(Output),
            Resume = parsed.GetValue(Resume),
            AutoencoderSteps = parsed.GetValue(AutoencoderSteps) ?? s_defaults.AutoencoderSteps,
            TextSteps = parsed.GetValue(TextSteps) ?? s_defaults.TextSteps,
            DiffusionSteps = parsed.GetValue(DiffusionSteps) ?? s_defaults.DiffusionSteps,
            Drawings = parsed.GetValue(Drawings) ?? s_defaults.Drawings,
            CheckpointEvery = parsed.GetValue(CheckpointEvery) ?? s_defaults.CheckpointEvery,
            Rate = parsed.GetValue(Rate) ?? s_defaults.Rate,
        };
    }
}
