using LeapAlign.Contracts.Flow;

namespace LeapAlign.Contracts.Models;

/// <summary>What a model is to make conditioning of.</summary>
/// <param name="Captions">One for each sample.</param>
/// <param name="Guidance">How strongly they steer.</param>
/// <param name="Size">The size of the pictures.</param>
public sealed record ConditioningRequest(IReadOnlyList<string> Captions, Guidance Guidance, ImageSize Size)
{
    /// <summary>What the samples are to lead away from under guidance by two branches, one for each; null for the empty caption.</summary>
    public IReadOnlyList<string>? Negatives { get; init; }
}

/// <summary>How guidance reaches a model's velocity, which says what an evaluation of it costs.</summary>
public enum GuidanceForm
{
    /// <summary>Two evaluations are combined where the scale is above 1 (<see cref="Guidance.Combine"/>), one where it is not.</summary>
    Branches,

    /// <summary>The scale is an input of the network, at any value, 1 included: one evaluation.</summary>
    Embedded,

    /// <summary>The model was distilled to draw without guidance: one evaluation, and only a scale of 1.</summary>
    None,
}
