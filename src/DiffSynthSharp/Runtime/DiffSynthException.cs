namespace DiffSynthSharp;

/// <summary>
/// An error whose message is meant for the person who made the request: what went wrong, where, what was expected, what was found and what to do.
/// </summary>
/// <param name="message">One or two sentences for the user.</param>
/// <param name="inner">The cause, when another exception led here.</param>
public class DiffSynthException(string message, Exception? inner = null) : Exception(message, inner);
