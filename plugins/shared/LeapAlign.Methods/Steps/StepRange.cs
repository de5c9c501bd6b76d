namespace LeapAlign.Methods.Steps;

/// <summary>Neighbouring steps of a schedule, in forward indices: 0 is the noisiest.</summary>
/// <param name="First">The first step.</param>
/// <param name="End">The step behind the last one.</param>
public readonly record struct StepRange(int First, int End)
{
    /// <summary>How many steps.</summary>
    public int Count => Math.Max(0, End - First);

    /// <summary>The steps, rising.</summary>
    public IEnumerable<int> Steps => Enumerable.Range(First, Count);

    /// <summary>
    /// The trainable tail of a schedule: its last <c>min(N, max(⌈ρN⌉, minimum))</c> steps.
    /// </summary>
    /// <param name="steps">N.</param>
    /// <param name="ratio">ρ in (0, 1].</param>
    /// <param name="minimum">How few a method can work with.</param>
    public static StepRange Tail(int steps, double ratio, int minimum) =>
        new(steps - Math.Min(steps, Math.Max((int)Math.Ceiling(steps * ratio), minimum)), steps);
}
