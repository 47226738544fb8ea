using System.Diagnostics;
using DiffSynthSharp.Imaging;

namespace DiffSynthSharp.Benchmarking;

/// <summary>The jobs of a long run: pictures of several sizes and kinds, cancelled ones, and mistakes.</summary>
internal sealed class EnduranceJobs
{
    private readonly DiffusionModel _model;
    private readonly GenerationRequest[] _requests;
    private readonly GenerationRequest[] _mistakes;

    /// <param name="model">Makes the pictures.</param>
    /// <param name="options">Their size and steps.</param>
    public EnduranceJobs(DiffusionModel model, EnduranceOptions options)
    {
        _model = model;
        var (width, height) = options.Size ?? model.Family.DefaultSize;
        var (multiple, plain) = (model.Family.SizeMultiple, new GenerationRequest { Prompt = "a red car by the sea", Steps = options.Steps, Width = width, Height = height });
        int Part(int side, double share) => Math.Max(1, (int)(side * share / multiple)) * multiple;
        var white = new Picture(width, height, [.. Enumerable.Repeat(byte.MaxValue, 3 * width * height)]);
        var half = new Picture(width, height, [.. Enumerable.Range(0, 3 * width * height).Select(i => i / 3 % width < width / 2 ? byte.MaxValue : byte.MinValue)]);
        _requests =
        [
            plain,
            plain with { Width = Part(width, 0.75), Prompt = "a (green:1.2) tree [by a house|by the sea]" },
            plain with { Init = new(white, 0.7) },
            plain with { Height = Part(height, 0.5), Seeds = [1, 2], Negative = "blurry" },
            plain with { Init = new(white, 0.8), Mask = new(half), Regions = [new(half, "a blue house")] },
            plain with { HighRes = [new(Part(width, 1.5), Part(height, 1.5))], Tiles = new(16, 8) { Network = TiledNetwork.Steps } },
        ];
        _mistakes =
        [
            plain with { Width = width + 1 },
            plain with { Loras = [new("no such file")] },
            plain with { Sampler = "none" },
        ];
    }

    /// <summary>Makes the pictures of one request.</summary>
    /// <param name="number">Which, from 1.</param>
    /// <param name="cancellation">Stops it.</param>
    public IReadOnlyList<GeneratedPicture> Make(int number, CancellationToken cancellation) => _model.Generate(Request(number), null, cancellation);

    /// <summary>Begins a picture and cancels it from another thread.</summary>
    /// <param name="number">Which, from 1.</param>
    /// <param name="after">When.</param>
    /// <param name="cancellation">Stops it for good.</param>
    /// <returns>Seconds from the cancellation until the call had returned; null when the picture was done before.</returns>
    public double? Cancel(int number, TimeSpan after, CancellationToken cancellation)
    {
        using var source = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var cancelled = 0L;
        using var stamp = source.Token.Register(() => Interlocked.Exchange(ref cancelled, Stopwatch.GetTimestamp()));
        source.CancelAfter(after);
        try
        {
            Make(number, source.Token);
            return null;
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            var end = Stopwatch.GetTimestamp();
            SpinWait.SpinUntil(() => Interlocked.Read(ref cancelled) != 0); // the job may stop before the other thread gets on
            return Stopwatch.GetElapsedTime(Math.Min(cancelled, end), end).TotalSeconds;
        }
    }

    /// <summary>Asks for something that can't be made.</summary>
    /// <returns>How many requests were refused: 1.</returns>
    public int Refuse(int number)
    {
        try
        {
            _model.Generate(_mistakes[number % _mistakes.Length]);
            throw new InvalidOperationException("A request with a mistake was not refused.");
        }
        catch (DiffSynthException)
        {
            return 1;
        }
    }

    private GenerationRequest Request(int number)
    {
        var request = _requests[number % _requests.Length];
        return request with { Seeds = [.. request.Seeds.Select(seed => seed + number)] };
    }
}
