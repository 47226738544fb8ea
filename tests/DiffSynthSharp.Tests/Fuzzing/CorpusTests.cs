using DiffSynthSharp.Fuzz;

namespace DiffSynthSharp.Tests.Fuzzing;

/// <summary>Every input of the fuzzers' corpus, among them all that once were bugs, is read or refused within its bounds.</summary>
public sealed class CorpusTests
{
    public static TheoryData<string> Targets() => [.. FuzzTargets.All.Select(target => target.Name)];

    [Theory]
    [MemberData(nameof(Targets))]
    public void The_corpus_makes_no_reader_fail(string name)
    {
        var target = FuzzTargets.Find(name);
        var inputs = SeedCorpus.Of(target).ToList();
        Assert.NotEmpty(inputs);
        Assert.Contains(inputs, seed => !Trial.Of(target, seed.Input).IsRefused);
        foreach (var (file, input) in inputs) AssertSound(Trial.Of(target, input), file);
    }

    [Theory]
    [MemberData(nameof(Targets))]
    public void A_hundred_damaged_inputs_make_no_reader_fail(string name)
    {
        var target = FuzzTargets.Find(name);
        var seeds = SeedCorpus.Of(target).Select(seed => seed.Input).ToList();
        var mutator = new Mutator(new Random(7), target.Words);
        for (var i = 0; i < 100; i++)
        {
            var input = seeds[i % seeds.Count];
            var copy = (i % 3 == 0 ? target.DamageInside(input, mutator) : null) ?? (i % 10 == 1 && input.Length > 0 ? mutator.Stretch(input, 4096) : mutator.Damage(input, seeds));
            AssertSound(Trial.Of(target, copy), $"copy {i}");
        }
    }

    private static void AssertSound(Trial trial, string input) => Assert.True(trial.Failure is null, $"{input}: {trial.Failure?.Kind}\n{trial.Failure?.What}");
}
