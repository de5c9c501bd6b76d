namespace LeapAlign.Contracts.Prompts;

/// <summary>A caption, and what its file says about it.</summary>
/// <param name="Id">Its place in the source, from 0. Two captions with the same text are still two prompts.</param>
/// <param name="Text">The caption.</param>
/// <param name="Metadata">The JSON object it came from, for rewards that know its form (GenEval's, for instance); null for plain text.</param>
public sealed record Prompt(int Id, string Text, string? Metadata = null);
