using static TorchSharp.torch;

namespace LeapAlign.Contracts.Algorithms;

/// <summary>What a measurement is.</summary>
public enum MeasurementKind
{
    /// <summary>Values whose mean says what there is to say.</summary>
    Mean,

    /// <summary>Whole numbers that were drawn or decided, the steps that are trained for instance: the host keeps each of them, beside their mean.</summary>
    Choice,
}

/// <summary>What was measured on the way to an objective. It does not own its tensor.</summary>
/// <param name="name">Its name in metrics.</param>
/// <param name="value">The values, of any shape, without graph.</param>
public sealed class Measurement(string name, Tensor value)
{
    /// <summary>Its name in metrics.</summary>
    public string Name => name;

    /// <summary>The values, of any shape, without graph.</summary>
    public Tensor Value => value;

    /// <summary>What it is.</summary>
    public MeasurementKind Kind { get; private init; }

    /// <summary>The choice that this one was made together with, value by value; null for one that stands alone.</summary>
    public string? With { get; private init; }

    /// <summary>The same measurement with a prefix to its name: the host puts the name of an objective before what it measured.</summary>
    public Measurement Under(string prefix) => new($"{prefix}_{name}", value) { Kind = Kind, With = With is { } other ? $"{prefix}_{other}" : null };

    /// <summary>A choice.</summary>
    /// <param name="name">Its name in metrics.</param>
    /// <param name="values">int64, of any shape.</param>
    public static Measurement Choice(string name, Tensor values) => new(name, values) { Kind = MeasurementKind.Choice };

    /// <summary>Two choices that are made together: a report counts their pairs.</summary>
    /// <param name="first">The name and the values of one, int64.</param>
    /// <param name="second">The other, as many.</param>
    public static IReadOnlyList<Measurement> Pair((string Name, Tensor Values) first, (string Name, Tensor Values) second) =>
        [Choice(first.Name, first.Values), new(second.Name, second.Values) { Kind = MeasurementKind.Choice, With = first.Name }];
}
