namespace LeapAlign.Pipeline;

/// <summary>A named step of a pipeline. The name is the span's and the timing's name; it survives composition.</summary>
/// <typeparam name="TIn">What goes in.</typeparam>
/// <typeparam name="TOut">What comes out.</typeparam>
/// <param name="Name">A short name, a noun or a verb of the field: <c>decode</c>, <c>score</c>.</param>
/// <param name="Run">The step. Synchronous.</param>
public sealed record Stage<TIn, TOut>(string Name, Func<TIn, TOut> Run)
{
    /// <summary>This stage, then another.</summary>
    public Stage<TIn, TNext> Then<TNext>(Stage<TOut, TNext> next)
    {
        ArgumentNullException.ThrowIfNull(next);
        return new($"{Name} >> {next.Name}", value => next.Run(Run(value)));
    }
}
