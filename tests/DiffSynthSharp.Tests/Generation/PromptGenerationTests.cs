using DiffSynthSharp.Weights;
using static TorchSharp.torch;

namespace DiffSynthSharp.Tests.Generation;

public sealed class PromptGenerationTests : IDisposable
{
    private const string Car = "a red car";
    private const string House = "a blue house";
    private const int Width = 128;

    private readonly DiffusionModel _model = DiffusionModel.Load(TinyModel.Folder);
    private readonly List<string> _said = [];

    public void Dispose() => _model.Dispose();

    [Fact]
    public void Editing_changes_the_prompt_at_its_step()
    {
        Assert.Equal(Latents(Car), Latents($"[{Car}:{House}:3]"));
        Assert.Equal(Latents(House), Latents($"[{Car}:{House}:0]"));
        var edited = Latents($"[{Car}:{House}:1]");
        Assert.NotEqual(Latents(Car), edited);
        Assert.NotEqual(Latents(House), edited);
        Assert.Equal(edited, Latents($"[{Car}:{House}:0.34]"));
    }

    [Fact]
    public void A_second_pass_goes_on_counting()
    {
        var passes = TinyModel.Request with { HighRes = [new(96, 96)] };
        var edited = Generate(passes with { Prompt = $"[{Car}:{House}:1.0]" });
        Assert.Equal(Latents(Car), Assert.Single(edited.Earlier).Latents);
        Assert.NotEqual(Generate(passes with { Prompt = Car }).Latents, edited.Latents);
        Assert.Equal(edited.Latents, Generate(passes with { Prompt = $"[{Car}:{House}:3]" }).Latents);
    }

    [Theory]
    [InlineData(7.5)]
    [InlineData(1.0)] // without guidance the difference from the negative prompt still counts twice
    public void AND_adds_up_differences_from_the_negative_prompt(double guidance)
    {
        var request = TinyModel.Request with { Guidance = guidance, Negative = "blurry" };
        var twice = Generate(request with { Prompt = Car, Guidance = 2 * guidance }).Latents;
        Close(twice, Generate(request with { Prompt = $"{Car} AND {Car}" }).Latents);
        Close(twice, Generate(request with { Prompt = $"{Car} :2" }).Latents);
        Close(Generate(request with { Prompt = Car }).Latents, Generate(request with { Prompt = $"{Car} AND {House} :0" }).Latents);
        Assert.NotEqual(twice, Generate(request with { Prompt = $"{Car} AND {House}" }).Latents);
    }

    [Fact]
    public void AND_is_text_in_a_negative_prompt()
    {
        var request = TinyModel.Request with { Negative = "blurry AND dark" };
        Assert.Equal(Generate(request with { Syntax = PromptSyntax.Plain }).Latents, Generate(request).Latents);
    }

    [Fact]
    public void Weights_count_unless_the_prompt_is_plain()
    {
        Assert.NotEqual(Latents(Car), Latents("a (red:1.4) car"));
        Assert.NotEqual(Latents("a (red:1.4) car"), Latents("a (red:1.4) car", PromptSyntax.Plain));
    }

    [Fact]
    public void A_region_has_editing_and_AND_too()
    {
        var mask = new DiffSynthSharp.Imaging.Picture(64, 64, [.. Enumerable.Repeat((byte)255, 64 * 64 * 3)]);
        GenerationRequest With(string prompt) => TinyModel.Request with { Regions = [new(mask, prompt)] };
        Assert.Equal(Generate(With(House)).Latents, Generate(With($"[{Car}:{House}:0]")).Latents);
        Assert.NotEqual(Generate(With(House)).Latents, Generate(With($"{Car} AND {House}") with { Guidance = 1 }).Latents);
    }

    [Fact]
    public void An_embedding_without_its_keyword_is_said_and_one_with_it_counts()
    {
        using var folder = new TemporaryFolder();
        using (var vectors = randn(2, Width)) SafetensorsWriter.Write(folder["papercut.safetensors"], [("emb_params", vectors)]);
        var request = TinyModel.Request with { Embeddings = [new(folder["papercut.safetensors"])] };
        Assert.Equal(Generate(TinyModel.Request).Latents, Generate(request).Latents);
        Assert.Contains("The embedding 'papercut' changes nothing: its keyword stands in no prompt.", _said);
        _said.Clear();
        var before = Tensor.TotalCount;
        Assert.NotEqual(Generate(TinyModel.Request).Latents, Generate(request with { Prompt = $"{request.Prompt}, papercut" }).Latents);
        Assert.Equal(before, Tensor.TotalCount);
        Assert.DoesNotContain(_said, line => line.Contains("papercut", StringComparison.Ordinal));
    }

    [Fact]
    public void Long_prompts_are_said_once_for_each()
    {
        var text = string.Join(' ', Enumerable.Repeat("a", 100));
        Generate(TinyModel.Request with { Prompt = text, Negative = "blurry", Steps = 1 });
        Assert.Single(_said, line => line == "The prompt has 100 tokens and is encoded in 2 rows.");
    }

    [Fact]
    public void Network_tags_leave_the_prompt_and_what_they_name_must_be_given()
    {
        Assert.Equal(Latents("a red  car"), Latents("a red <lora:style:0.8> car<hypernet:h:1>"));
        Assert.Contains("<lora:style> in the prompt is left out: no LoRA file of that name was given.", _said);
        Assert.Contains("<hypernet:h> in the prompt is left out: only <lora:…> is known.", _said);
    }

    [Fact]
    public void Network_tags_give_the_files_they_name_their_strength()
    {
        var request = new GenerationRequest { Prompt = "a <lora:Style:0.5> <lora:style:-0.25:0.3> car", Loras = [new("x/style.safetensors"), new("other.pt", 0.7)] };
        var applied = DiffSynthSharp.Generation.PromptTags.Apply(request, _said.Add);
        Assert.Equal("a   car", applied.Prompt);
        Assert.Equal([("other.pt", 0.7), ("x/style.safetensors", 0.5), ("x/style.safetensors", 0.3)], applied.Loras.Select(lora => (lora.Path, lora.Scale)));
        Assert.Contains("-0.25 on the text encoder and 0.3 on the U-Net", Assert.Single(_said));
        var plain = request with { Syntax = PromptSyntax.Plain };
        Assert.Same(plain, DiffSynthSharp.Generation.PromptTags.Apply(plain, _said.Add));
    }

    private float[] Latents(string prompt, PromptSyntax syntax = PromptSyntax.Weighted) => Generate(TinyModel.Request with { Prompt = prompt, Syntax = syntax }).Latents;

    private GeneratedPicture Generate(GenerationRequest request) => _model.Generate(request, new Recorder(_said))[0];

    private static void Close(float[] expected, float[] found)
    {
        var scale = expected.Max(Math.Abs);
        Assert.True(expected.Zip(found).Max(pair => Math.Abs(pair.First - pair.Second)) <= 1e-3 * scale);
    }

    private sealed class Recorder(List<string> said) : IProgress<GenerationProgress>
    {
        public void Report(GenerationProgress value)
        {
            if (value.Message is { } line) said.Add(line);
        }
    }
}
