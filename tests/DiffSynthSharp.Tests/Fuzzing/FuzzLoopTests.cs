using System.Text;
using DiffSynthSharp.Fuzz;
using SharpFuzz.Common;

namespace DiffSynthSharp.Tests.Fuzzing;

/// <summary>The fuzzer itself, on a reader with known bugs.</summary>
public sealed class FuzzLoopTests
{
    private sealed class Faulty : FuzzTarget
    {
        public override string Name => "faulty";

        public override long FixedBytes => 1 << 16;

        public override long BytesPerByte => 0;

        public override void Read(byte[] input)
        {
            var text = Encoding.Latin1.GetString(input);
            if (text.Contains("refuse", StringComparison.Ordinal)) throw new DiffSynthException("No.");
            if (text.Contains("throw", StringComparison.Ordinal)) throw new InvalidOperationException("A bug.");
            if (text.Contains("allocate", StringComparison.Ordinal)) GC.KeepAlive(new byte[1 << 20]);
            if (text.Contains("shout", StringComparison.Ordinal)) Attempt(() => throw new Steering());
        }
    }

    /// <summary>Takes a branch for each length, as instrumented code would say it.</summary>
    private sealed class Branching : FuzzTarget
    {
        public override string Name => "branching";

        public override unsafe void Read(byte[] input) => Trace.SharedMem[input.Length]++;
    }

    private sealed class Steering() : DiffSynthException("")
    {
        public override string Message => "\u001b[2J";
    }

    [Theory]
    [InlineData("fine", false, null)]
    [InlineData("refuse", true, null)]
    [InlineData("throw", false, "InvalidOperationException")]
    [InlineData("allocate", false, "allocation")]
    [InlineData("shout", false, "UnfitMessageException")]
    public void An_input_is_read_refused_or_a_bug(string input, bool isRefused, string? kind)
    {
        var trial = Trial.Of(new Faulty(), Encoding.Latin1.GetBytes(input));
        Assert.Equal(isRefused, trial.IsRefused);
        Assert.Equal(kind, trial.Failure?.Kind.Split(' ')[0]);
    }

    [Fact]
    public void An_input_that_fails_is_made_as_small_as_it_can_be()
    {
        var target = new Faulty();
        var input = Encoding.Latin1.GetBytes("before, throw, behind");
        Assert.Equal("throw", Encoding.Latin1.GetString(Minimiser.Smaller(target, input, Trial.Of(target, input).Failure!.Kind)));
    }

    [Fact]
    public void What_fails_is_kept_once_and_what_was_found_is_gone_on_from()
    {
        using var folder = new TemporaryFolder();
        var target = new Faulty();
        new Findings(folder.Path, target).Keep("throx"u8.ToArray());
        using (var loop = new FuzzLoop(target, new(folder.Path, target), new(), 3))
        {
            loop.Load();
            Assert.Equal("throx"u8.ToArray(), Assert.Single(loop.Inputs));
            Assert.Equal(0, loop.Run(TimeSpan.Zero, CancellationToken.None).Edges);
        }
        var failure = new Failure("a kind", "what");
        var findings = new Findings(folder.Path, target);
        Assert.NotNull(findings.Keep([1, 2, 3], failure));
        Assert.Null(findings.Keep([1, 2, 3, 4], failure));
        Assert.NotNull(findings.Keep([1], failure));
        Assert.Equal(2, Directory.GetFiles(folder["faulty/crashes"]).Length);
    }

    [Fact]
    public void Of_inputs_that_take_the_same_branches_one_is_gone_on_from()
    {
        using var folder = new TemporaryFolder();
        var findings = new Findings(folder.Path, new Branching());
        foreach (var input in (byte[][])[[1], [2], [1, 2], [3, 4, 5]]) findings.Keep(input);
        using (var loop = new FuzzLoop(new Branching(), findings, new(), 3))
        {
            loop.Load();
            Assert.Equal([1, 2, 3], loop.Inputs.Select(input => input.Length));
        }
        using var current = new CurrentInput(findings.Current, 100);
        Assert.Null(current.Left);
    }

    [Fact]
    public void An_input_outlives_the_process_that_died_of_it()
    {
        using var folder = new TemporaryFolder();
        using (var current = new CurrentInput(folder["current"], 100)) current.Set([1, 2, 3]);
        using (var next = new CurrentInput(folder["current"], 50))
        {
            Assert.Equal<byte[]>([1, 2, 3], next.Left!);
            next.Clear();
        }
        using var last = new CurrentInput(folder["current"], 100);
        Assert.Null(last.Left);
    }

    [Fact]
    public void One_seed_makes_one_sequence_of_copies()
    {
        byte[][] donors = ["one"u8.ToArray(), "another"u8.ToArray()];
        byte[][] Copies()
        {
            var mutator = new Mutator(new Random(5), ["word"]);
            return [.. Enumerable.Range(0, 50).Select(i => i % 5 == 0 ? mutator.Stretch(donors[1], 1000) : mutator.Damage(donors[0], donors))];
        }

        Assert.Equal(Copies(), Copies());
    }
}
