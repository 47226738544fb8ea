using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using DiffSynthSharp.Families;
using DiffSynthSharp.Imaging;
using DiffSynthSharp.Layers;
using DiffSynthSharp.Records;

namespace DiffSynthSharp;

/// <summary>Everything that made a picture, as it is kept inside the picture's PNG file, so that the picture can be made again bit for bit.</summary>
/// <example>
/// <code>
/// var picture = model.Generate(request)[0];
/// picture.Picture.Save("car.png", PictureRecord.Of(model, request, picture).Texts());
/// var again = PictureRecord.Read("car.png")!.ToRequest();
/// </code>
/// </example>
public sealed class PictureRecord
{
    /// <summary>The keyword of the PNG text that holds a record.</summary>
    public const string Keyword = "diffsynth";

    private const int Format = 1;

    private static readonly string[] s_withPictures = ["init", "mask", "regions", "controls"];

    private static readonly ConditionalWeakTable<DiffusionModel, IReadOnlyList<HashedFile>> s_modelFiles = [];

    private readonly Stored _stored;
    private readonly string _folder;

    private PictureRecord(Stored stored, string folder) => (_stored, _folder) = (stored, folder);

    /// <summary>The model's file or folder.</summary>
    public string Model => _stored.Model;

    /// <summary>The model's files.</summary>
    public IReadOnlyList<HashedFile> ModelFiles => _stored.ModelFiles;

    /// <summary>Files that the request names: LoRAs, embeddings, ControlNets and so on.</summary>
    public IReadOnlyList<HashedFile> Files => _stored.Files;

    /// <summary>The hash of the picture's red, green and blue bytes.</summary>
    public string Pixels => _stored.Pixels;

    /// <summary>Program, kernels and choices.</summary>
    public MadeWith MadeWith => _stored.MadeWith;

    /// <summary>The strength with which an initial picture was used; null without one.</summary>
    public double? Strength => InfotextWriter.Number(_stored.Request, "init", "strength");

    /// <summary>How the model was loaded. The number of threads is what was in use.</summary>
    public LoadOptions Loading => new() { Vae = _stored.Vae, ClipL = _stored.ClipL, ClipG = _stored.ClipG, T5 = _stored.T5, Tokenizers = _stored.Tokenizers, Device = MadeWith.Device, Threads = MadeWith.Threads };

    /// <summary>How the model was loaded, without files for parts that a model doesn't have: it may be another one than the record's.</summary>
    /// <param name="model">A checkpoint or a folder.</param>
    /// <param name="say">Takes a line for each file that is left out.</param>
    /// <exception cref="DiffSynthException">The model is missing, damaged or hostile.</exception>
    public LoadOptions LoadingFor(string model, Action<string> say)
    {
        using var files = Families.ModelFiles.Open(model);
        return FamilyCatalogue.Find(files)?.Fitting(Loading, say) ?? Loading;
    }

    private sealed record Stored
    {
        public required int Format { get; init; }

        public required JsonElement Request { get; init; }

        public required string Model { get; init; }

        public required IReadOnlyList<HashedFile> ModelFiles { get; init; }

        public string? Vae { get; init; }

        public string? ClipL { get; init; }

        public string? ClipG { get; init; }

        public string? T5 { get; init; }

        public string? Tokenizers { get; init; }

        public required IReadOnlyList<HashedFile> Files { get; init; }

        public required string Pixels { get; init; }

        public required MadeWith MadeWith { get; init; }
    }

    /// <summary>The record of a picture that was just made. Hashes the model's files, which takes seconds for large ones the first time.</summary>
    /// <param name="model">What made it.</param>
    /// <param name="request">What was asked for.</param>
    /// <param name="picture">One of the results.</param>
    /// <param name="cancellation">Stops within a file.</param>
    /// <exception cref="DiffSynthException">A file cannot be read.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static PictureRecord Of(DiffusionModel model, GenerationRequest request, GeneratedPicture picture, CancellationToken cancellation = default)
    {
        using var stop = BlockBorder.StopWith(cancellation);
        var alone = Alone(request, picture.Seed);
        return new(new()
        {
            Format = Format,
            Request = JsonSerializer.SerializeToElement(alone, RecordJson.Writing),
            Model = Path.GetFullPath(model.Description.Path),
            ModelFiles = FilesOf(model),
            Vae = FullPath(model.Options.Vae),
            ClipL = FullPath(model.Options.ClipL),
            ClipG = FullPath(model.Options.ClipG),
            T5 = FullPath(model.Options.T5),
            Tokenizers = FullPath(model.Options.Tokenizers),
            Files = [.. RequestFiles.Of(alone).Select(file => new HashedFile(file, FileHashes.Of(file)))],
            Pixels = RecordJson.HashOf(picture.Picture),
            MadeWith = MadeWith.Here(model, alone),
        }, "");
    }

    /// <summary>The record inside a picture file.</summary>
    /// <returns>Null when there is none.</returns>
    /// <exception cref="DiffSynthException">The file cannot be read, or its record is damaged or of a newer program.</exception>
    public static PictureRecord? Read(string path) => Read(PictureTexts.Read(path), path);

    /// <summary>The same of a picture's texts.</summary>
    /// <param name="texts">By keyword.</param>
    /// <param name="path">Where the picture is.</param>
    internal static PictureRecord? Read(IReadOnlyDictionary<string, string> texts, string path)
    {
        if (!texts.TryGetValue(Keyword, out var text)) return null;
        try
        {
            var stored = JsonSerializer.Deserialize<Stored>(text, RecordJson.Writing) ?? throw new JsonException("it is empty.");
            if (stored.Format == Format) return new(stored, Path.GetDirectoryName(Path.GetFullPath(path))!);
            throw new DiffSynthException($"'{path}' has a record of format {stored.Format}; this program reads format {Format}. Take the program that made it, or a newer one.");
        }
        catch (Exception e) when (e is JsonException or NotSupportedException)
        {
            throw new DiffSynthException($"The record in '{path}' cannot be read: {e.Message.Split('\n')[0]}", e);
        }
    }

    /// <summary>The texts for the PNG file: A1111's <c>parameters</c> and the record itself.</summary>
    public IReadOnlyDictionary<string, string> Texts() => new Dictionary<string, string>
    {
        ["parameters"] = InfotextWriter.Of(this, ToRequest(null, s_withPictures), _stored.Request).ToString(),
        [Keyword] = JsonSerializer.Serialize(_stored, RecordJson.Writing),
    };

    /// <summary>What was asked for, its pictures loaded again.</summary>
    /// <param name="say">Told of pictures that are no longer what they were; null says nothing.</param>
    /// <param name="without">Properties of the request that are left at their defaults, by their names in JSON, because they will be replaced.</param>
    /// <exception cref="DiffSynthException">A picture is missing, or the record is damaged or of a newer program.</exception>
    public GenerationRequest ToRequest(Action<string>? say = null, params IReadOnlyCollection<string> without)
    {
        try
        {
            var request = JsonObject.Create(_stored.Request)!;
            foreach (var name in without) request.Remove(name);
            return request.Deserialize<GenerationRequest>(RecordJson.Reading(_folder, say ?? (_ => { })))!;
        }
        catch (Exception e) when (e is JsonException or NotSupportedException or InvalidOperationException or FormatException or KeyNotFoundException or ArgumentException)
        {
            throw new DiffSynthException($"The record's request cannot be read: {e.Message.Split('\n')[0]}", e);
        }
    }

    /// <summary>Which of the model's files are no longer what they were, one sentence each.</summary>
    /// <param name="model">What is loaded now.</param>
    /// <param name="cancellation">Stops within a file.</param>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public IEnumerable<string> ModelDifferences(ModelDescription model, CancellationToken cancellation = default)
    {
        IReadOnlyList<HashedFile> now;
        using (BlockBorder.StopWith(cancellation)) now = Records.ModelFiles.Of(model);
        foreach (var then in ModelFiles.Where(then => now.All(file => file.Sha256 != then.Sha256)))
            yield return now.FirstOrDefault(file => file.Name == then.Name) is { } changed
                ? $"The model's file '{then.Name}' has changed: its SHA-256 was {ShortHash.Of(then.Sha256)} and is {ShortHash.Of(changed.Sha256)}."
                : $"The model's file '{then.Name}' of SHA-256 {ShortHash.Of(then.Sha256)} is not part of '{model.Path}'.";
    }

    /// <summary>What of program, kernels and machine is no longer what it was, a phrase each.</summary>
    /// <param name="model">What is loaded now.</param>
    public IEnumerable<string> MakingDifferences(DiffusionModel model) => MadeWith.DifferencesTo(model);

    /// <summary>Whether a picture's pixels are others than those that were written with this record.</summary>
    public bool IsChanged(Picture picture) => RecordJson.HashOf(picture) != Pixels;

    /// <summary>One hash for all files of a model; a single file's is its own SHA-256.</summary>
    /// <param name="model">The model.</param>
    /// <param name="cancellation">Stops within a file.</param>
    /// <exception cref="DiffSynthException">A file cannot be read.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static string ModelHash(DiffusionModel model, CancellationToken cancellation = default)
    {
        using var stop = BlockBorder.StopWith(cancellation);
        return Records.ModelFiles.Together(FilesOf(model));
    }

    /// <summary>Which files that a request names are missing or no longer what they were, one sentence each.</summary>
    /// <param name="request">Files that it doesn't name are not looked at.</param>
    public IEnumerable<string> FileDifferences(GenerationRequest request)
    {
        var named = RequestFiles.Of(request).ToHashSet();
        foreach (var then in Files.Where(file => named.Contains(file.Name)))
            if (!File.Exists(then.Name)) yield return $"The file '{then.Name}' of SHA-256 {ShortHash.Of(then.Sha256)} is missing.";
            else if (FileHashes.Of(then.Name) is var now && now != then.Sha256)
                yield return $"The file '{then.Name}' has changed: its SHA-256 was {ShortHash.Of(then.Sha256)} and is {ShortHash.Of(now)}.";
    }

    /// <summary>The request for this picture alone: later passes with a seed of their own count it up with each picture.</summary>
    private static GenerationRequest Alone(GenerationRequest request, long seed)
    {
        var index = Math.Max(0, request.Seeds.ToList().IndexOf(seed));
        return request with { Seeds = [seed], Batch = 1, HighRes = [.. request.HighRes.Select(pass => pass with { Seed = pass.Seed + index })] };
    }

    private static IReadOnlyList<HashedFile> FilesOf(DiffusionModel model) => s_modelFiles.GetValue(model, loaded => Records.ModelFiles.Of(loaded.Description));

    private static string? FullPath(string? path) => path is null ? null : Path.GetFullPath(path);
}
