using LeapAlign.Pipeline;

namespace LeapAlign.Contracts.Prompts;

/// <summary>Clean latents that come with a caption in the place of a picture: which of a safetensors file.</summary>
/// <param name="Tensor">The name of the tensor; null where the file has one.</param>
/// <param name="Row">Which of the tensor's samples, [N, C, ...], from 0; null where it is one sample, [C, ...] or [1, C, ...].</param>
/// <param name="Place">The row of the user's file that names them, for faults.</param>
public sealed record StoredLatents(string? Tensor, int? Row, SourcePlace Place);

/// <summary>A caption, and what its file says about it.</summary>
/// <param name="Id">Its place in the source, from 0. Two captions with the same text are still two prompts.</param>
/// <param name="Text">The caption.</param>
/// <param name="Metadata">The JSON object it came from, for rewards that know its form (GenEval's, for instance); null for plain text.</param>
public sealed record Prompt(int Id, string Text, string? Metadata = null)
{
    /// <summary>
    /// Full paths of the pictures that come with the caption: one to learn from, or the preferred and the rejected one. Empty for most sources. Where <see cref="Latents"/> says so it is a safetensors
    /// file with the latents of a picture.
    /// </summary>
    public IReadOnlyList<string> Pictures { get; init; } = [];

    /// <summary>For each of <see cref="Pictures"/> which latents of that file it is, or null for a picture; empty where all are pictures. They are those that the model samples, after shift and scale.</summary>
    public IReadOnlyList<StoredLatents?> Latents { get; init; } = [];

    /// <summary>The score of each of <see cref="Pictures"/>, finite, in their order; empty where the source has none. Verdicts are 1 and 0.</summary>
    public IReadOnlyList<double> Scores { get; init; } = [];

    /// <summary>The kind of task that the caption belongs to, by which scores are averaged; null when the source names none.</summary>
    public string? Task { get; init; }
}
