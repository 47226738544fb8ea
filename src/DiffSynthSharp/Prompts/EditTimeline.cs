namespace DiffSynthSharp.Prompts;

/// <summary>What the numbers of <c>[from:to:when]</c> mean in one pass.</summary>
/// <param name="Steps">Steps of the pass, at least 1.</param>
/// <param name="StepsBefore">Steps of earlier passes: step numbers go on counting in a second, high-resolution pass.</param>
/// <param name="PassesBefore">Earlier passes: fractions of the first pass are 0.0 to 1.0, of the second 1.0 to 2.0.</param>
/// <param name="BelowOneIsFraction">A1111's rule before 1.6 ("old prompt editing timelines"): values below 1 are fractions, whether or not they have a dot.</param>
internal readonly record struct EditTimeline(int Steps, int StepsBefore = 0, int PassesBefore = 0, bool BelowOneIsFraction = false)
{
    /// <summary>The last step of what stands before a change; 0 when it never stands.</summary>
    /// <param name="when">The number.</param>
    /// <param name="hasDot">Whether it was written with a dot.</param>
    public int Until(double when, bool hasDot)
    {
        var step = BelowOneIsFraction ? when < 1 ? when * Steps : when
            : hasDot ? (when - PassesBefore) * Steps : when - StepsBefore;
        return (int)Math.Clamp(Math.Truncate(step), 0, Steps);
    }
}
