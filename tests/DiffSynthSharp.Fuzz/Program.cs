using System.CommandLine;
using DiffSynthSharp;
using DiffSynthSharp.Fuzz;
using DiffSynthSharp.Runtime;

var coverage = new Coverage(); // before anything of an instrumented library runs
TorchRuntime.EnsureLoaded();
var known = $"One of {string.Join(", ", FuzzTargets.All.Select(one => one.Name))}.";
var target = new Argument<string>("target") { Description = known };
var files = new Argument<string[]>("files") { Description = "Inputs; without any, the corpus.", Arity = ArgumentArity.ZeroOrMore };
var folder = new Argument<string>("folder") { Description = "Where to." };
var seconds = new Option<double>("--seconds") { Description = "How long.", DefaultValueFactory = _ => 60 };
var seed = new Option<int>("--seed") { Description = "Of the random generator.", DefaultValueFactory = _ => 1 };
var findings = new Option<string>("--findings") { Description = "What is found, and what was found earlier.", DefaultValueFactory = _ => Path.Combine("out", "fuzz", "findings") };

var list = new Command("list", "Name the targets.");
list.SetAction(_ => FuzzTargets.All.ToList().ForEach(one => Console.WriteLine(one.Name)));
var run = new Command("run", "Damage inputs for a while and see whether any makes a reader fail.") { target, seconds, seed, findings };
run.SetAction((parsed, cancellation) => Task.FromResult(Commands.Run(
    coverage, FuzzTargets.Find(parsed.GetRequiredValue(target)), parsed.GetRequiredValue(findings), parsed.GetValue(seed), TimeSpan.FromSeconds(parsed.GetValue(seconds)), cancellation)));
var replay = new Command("replay", "Read inputs once each.") { target, files };
replay.SetAction(parsed => Commands.Replay(FuzzTargets.Find(parsed.GetRequiredValue(target)), parsed.GetValue(files) ?? []));
var distill = new Command("distill", "Write the inputs, of corpus and findings, that take a branch which no smaller one takes.") { target, folder, findings };
distill.SetAction(parsed => Commands.Distill(coverage, FuzzTargets.Find(parsed.GetRequiredValue(target)), parsed.GetRequiredValue(findings), parsed.GetRequiredValue(folder)));
var afl = new Command("afl", "Be the program that afl-fuzz runs.") { target };
afl.SetAction(parsed => Commands.Afl(FuzzTargets.Find(parsed.GetRequiredValue(target))));
var instrument = new Command("instrument", "Copy this program into a folder, its library instrumented.") { folder };
instrument.SetAction(parsed => Instrumentation.Make(parsed.GetRequiredValue(folder)));

try
{
    return await new RootCommand("Fuzzes the readers of files and texts that users bring.") { list, run, replay, distill, afl, instrument }
        .Parse(args).InvokeAsync(new() { EnableDefaultExceptionHandler = false });
}
catch (DiffSynthException e)
{
    Console.Error.WriteLine(e.Message);
    return 1;
}
