namespace LeapAlign.Contracts.Prompts;

/// <summary>A caption, and what its file says about it.</summary>
/// <param name="Id">Its place in the source, from 0. Two captions with the same text are still two prompts.</param>
/// <param name="Text">The caption.</param>
/// <param name="Metadata">The JSON object it came from, for rewards that know its form (GenEval's, for instance); null for plain text.</param>
public sealed record Prompt(int Id, string Text, string? Metadata = null)
{
    /// <summary>
    /// Full paths of the pictures that come with the caption: one to learn from, or the preferred and the rejected one. Empty for most sources.
    /// </summary>
    public IReadOnlyList<string> Pictures { get; init; } = [];

    /// <summary>The score of each of <see cref="Pictures"/>, finite, in their order; empty where the source has none. Verdicts are 1 and 0.</summary>
    public IReadOnlyList<double> Scores { get; init; } = [];

    /// <summary>The kind of task that the caption belongs to, by which scores are averaged; null when the source names none.</summary>
    public string? Task { get; init; }
}
