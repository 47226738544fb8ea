using System.Runtime.InteropServices;
using System.Text;
using DiffSynthSharp.Cli;

// The second Ctrl+C is left to the system, which ends the process at once.
using var cancellation = new CancellationTokenSource();
using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Cancel);
using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Cancel);
if (OperatingSystem.IsWindows()) Console.OutputEncoding = Encoding.UTF8;
return await CommandLine.RunAsync(args, Terminal.OfProcess(), cancellation.Token);

void Cancel(PosixSignalContext signal)
{
    signal.Cancel = !cancellation.IsCancellationRequested;
    cancellation.Cancel();
}
