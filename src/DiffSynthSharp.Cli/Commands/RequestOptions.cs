using System.CommandLine;

namespace DiffSynthSharp.Cli.Commands;

/// <summary>Options of <c>diffsynth generate</c> that belong together, and what they change in the request.</summary>
internal abstract class RequestOptions
{
    /// <summary>The options, in the order of the help.</summary>
    public abstract IEnumerable<Option> All { get; }

    /// <summary>The request with what these options ask for. Options that are not given leave it as it is: it may be a repeated picture's.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="request">As far as it is known; its initial picture is.</param>
    /// <param name="say">Takes what the user should know.</param>
    /// <exception cref="DiffSynthException">A value doesn't fit, or a file is missing.</exception>
    public abstract GenerationRequest Apply(ParseResult parsed, GenerationRequest request, Action<string> say);
}
