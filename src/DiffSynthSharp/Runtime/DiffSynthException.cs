using DiffSynthSharp.Runtime;

namespace DiffSynthSharp;

/// <summary>
/// An error whose message is meant for the person who made the request: what went wrong, where, what was expected, what was found and what to do.
/// </summary>
/// <param name="message">One or two sentences for the user. It may quote files: line breaks and signs that steer a terminal are escaped.</param>
/// <param name="inner">The cause, when another exception led here.</param>
public class DiffSynthException(string message, Exception? inner = null) : Exception(PlainText.Message(message), inner);
