namespace LeapAlign.Contracts.Optimizers;

/// <summary>What an optimizer is given for one update.</summary>
/// <param name="index">The update of the run, from 0; learning-rate schedules are functions of it. Most algorithms update once a step.</param>
public sealed class UpdateContext(int index)
{
    /// <summary>The update of the run, from 0.</summary>
    public int Index => index;
}
