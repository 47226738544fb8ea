using System.Net;
using DiffSynthSharp.Tokenizers;

namespace DiffSynthSharp.Tests.Tokenizers;

public sealed class TokenizerFilesTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("tokenizer")]
    [InlineData("tokenizers/clip")]
    [InlineData("clip")]
    public void A_vocabulary_beside_the_model_is_found(string place)
    {
        TinyVocabulary.Write(_folder[place]);
        Assert.Equal(_folder[place], TokenizerFiles.FindClip(_folder["model.safetensors"]));
        Assert.Equal(_folder[place], TokenizerFiles.FindClip(_folder.Path));
    }

    [Theory]
    [InlineData("named")]
    [InlineData("named/clip")]
    [InlineData("named/tokenizers/clip")]
    public void A_named_folder_goes_before_what_lies_beside_the_model(string place)
    {
        TinyVocabulary.Write(_folder["tokenizer"]);
        TinyVocabulary.Write(_folder[place]);
        Assert.Equal(_folder[place], TokenizerFiles.FindClip(_folder.Path, _folder["named"]));
    }

    [Fact]
    public void A_named_folder_without_a_vocabulary_is_an_error_even_if_another_place_has_one()
    {
        TinyVocabulary.Write(_folder["tokenizer"]);
        Assert.Contains("holds no CLIP tokenizer", Assert.Throws<DiffSynthException>(() => TokenizerFiles.FindClip(_folder.Path, _folder["named"])).Message);
    }

    [Theory]
    [InlineData("tokenizer_2")] // FLUX.1's folder
    [InlineData("tokenizer_3")] // Stable Diffusion 3's, whose tokenizer_2 is CLIP's
    [InlineData("tokenizers/t5")]
    [InlineData("t5")]
    public void T5s_vocabulary_beside_the_model_is_found(string place)
    {
        if (place == "tokenizer_3")
        {
            TinyVocabulary.Write(_folder["tokenizer_2"]);
            File.WriteAllText(_folder["tokenizer_2/tokenizer.json"], "{}");
        }
        TinyUnigram.Write(_folder[place]);
        Assert.Equal(_folder[place], TokenizerFiles.FindT5(_folder["model.safetensors"]));
        Assert.Equal(_folder[place], TokenizerFiles.FindT5(_folder["elsewhere.safetensors"], named: _folder[place]));
    }

    [Fact]
    public void A_named_folder_may_hold_both_vocabularies()
    {
        TinyUnigram.Write(_folder["named/t5"]);
        TinyVocabulary.Write(_folder["named/clip"]);
        Assert.Equal(_folder["named/t5"], TokenizerFiles.FindT5("model.safetensors", _folder["named"]));
        Assert.Equal(_folder["named/clip"], TokenizerFiles.FindClip("model.safetensors", _folder["named"]));
        Assert.Equal(_folder["named/clip"], TokenizerFiles.FindClipG("model.safetensors", _folder["named"]));
    }

    [Fact]
    public void A_missing_T5_vocabulary_is_reported_with_the_places_and_the_remedy()
    {
        var message = Assert.Throws<DiffSynthException>(() => TokenizerFiles.FindT5(_folder["model.safetensors"])).Message;
        foreach (var part in new[] { "spiece.model", _folder["tokenizer_3"], _folder["tokenizers/t5"], TokenizerFiles.T5Cache, "diffsynth models pull t5-tokenizer" }) Assert.Contains(part, message);
        Assert.Contains("'tokenizers/t5'", Assert.Throws<DiffSynthException>(() => TokenizerFiles.FindT5("model.safetensors", _folder.Path)).Message);
    }

    [Fact]
    public void CLIP_Gs_own_vocabulary_goes_before_CLIPs()
    {
        TinyVocabulary.Write(_folder["tokenizer"]);
        Assert.Equal(_folder["tokenizer"], TokenizerFiles.FindClipG(_folder.Path));
        TinyVocabulary.Write(_folder["tokenizers/clip-pad-zero"]);
        Assert.Equal(_folder["tokenizers/clip-pad-zero"], TokenizerFiles.FindClipG(_folder.Path));
        TinyVocabulary.Write(_folder["tokenizer_2"]);
        Assert.Equal(_folder["tokenizer_2"], TokenizerFiles.FindClipG(_folder.Path));
    }

    [Fact]
    public async Task T5s_published_file_is_kept()
    {
        var published = Path.Combine(Repository.Root, "..", "shared", "tokenizers", "t5", "spiece.model");
        if (!File.Exists(published)) Assert.Skip("The published vocabulary is not beside this checkout.");
        using var client = new HttpClient(new Answers(_ => new HttpResponseMessage { Content = new ByteArrayContent(File.ReadAllBytes(published)) }));
        Assert.Equal([_folder["cache/spiece.model"]], await TokenizerDownload.FetchT5Async(client, _folder["cache"]));
        Assert.Equal(32100, T5Tokenizer.Load(_folder["cache"]).VocabularySize);
    }

    [Fact]
    public void A_vocabulary_with_half_a_surrogate_pair_is_refused()
    {
        TinyVocabulary.Write(_folder["tokenizer"], """{"\ud800": 0}""");
        Assert.Contains("not valid JSON", Assert.Throws<DiffSynthException>(() => ClipTokenizer.Load(_folder["tokenizer"])).Message);
    }

    [Fact]
    public async Task A_download_that_is_not_the_published_file_leaves_nothing_behind()
    {
        Assert.Contains("SHA-256", await Failure(HttpStatusCode.OK, new byte[1_059_962]));
        Assert.Contains("10 of the 1,059,962 bytes", await Failure(HttpStatusCode.OK, new byte[10]));
        Assert.Contains("more than the 1,059,962 bytes", await Failure(HttpStatusCode.OK, new byte[2_000_000]));
        Assert.Empty(Directory.EnumerateFileSystemEntries(_folder["cache"]));
    }

    [Fact]
    public async Task A_failing_network_says_what_to_do_instead()
        => Assert.Contains("--tokenizers", await Failure(HttpStatusCode.ServiceUnavailable, []));

    [Fact]
    public async Task The_published_files_are_kept_and_not_fetched_twice()
    {
        var published = Path.Combine(Repository.Root, "..", "shared", "tokenizers", "clip");
        if (!Directory.Exists(published)) Assert.Skip("The published vocabulary is not beside this checkout.");
        var asked = new List<string>();
        using var client = new HttpClient(new Answers(request =>
        {
            asked.Add(request.RequestUri!.AbsoluteUri);
            var file = Path.Combine(published, Path.GetFileName(request.RequestUri.AbsolutePath));
            return new HttpResponseMessage { Content = new ByteArrayContent(File.ReadAllBytes(file)) };
        }));
        Assert.Equal([_folder["cache/vocab.json"], _folder["cache/merges.txt"]], await TokenizerDownload.FetchClipAsync(client, _folder["cache"]));
        Assert.Empty(await TokenizerDownload.FetchClipAsync(client, _folder["cache"]));
        Assert.Equal(2, asked.Count);
        Assert.All(asked, address => Assert.StartsWith("https://huggingface.co/openai/clip-vit-large-patch14/resolve/", address));
        Assert.Equal(49408, ClipTokenizer.Load(_folder["cache"]).VocabularySize);
    }

    private async Task<string> Failure(HttpStatusCode status, byte[] body)
    {
        using var client = new HttpClient(new Answers(_ => new HttpResponseMessage(status) { Content = new ByteArrayContent(body) }));
        return (await Assert.ThrowsAsync<DiffSynthException>(() => TokenizerDownload.FetchClipAsync(client, _folder["cache"]))).Message;
    }

    private sealed class Answers(Func<HttpRequestMessage, HttpResponseMessage> answer) : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
            => Task.FromResult(answer(request));
    }
}
