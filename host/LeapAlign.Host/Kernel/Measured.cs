using System.Collections.ObjectModel;

namespace LeapAlign.Host.Kernel;

/// <summary>What an algorithm measured in a step.</summary>
/// <param name="means">The mean of each measurement, by name.</param>
/// <param name="choices">Every value of what was chosen, such as the steps that were drawn, in the order of micro-batches and draws.</param>
internal sealed class Measured(IReadOnlyDictionary<string, double> means, IReadOnlyDictionary<string, IReadOnlyList<long>> choices)
    : ReadOnlyDictionary<string, double>(new Dictionary<string, double>(means))
{
    /// <summary>Every value of what was chosen.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<long>> Choices { get; } = choices;

    /// <summary>Choices that are made together.</summary>
    public IReadOnlyList<ChoicePair> Pairs { get; init; } = [];
}

/// <summary>Two choices that are made together, value by value.</summary>
/// <param name="First">The name of one.</param>
/// <param name="Second">The name of the other.</param>
internal sealed record ChoicePair(string First, string Second);
