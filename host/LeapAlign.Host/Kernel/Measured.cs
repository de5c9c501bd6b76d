using System.Collections.ObjectModel;

namespace LeapAlign.Host.Kernel;

/// <summary>What an algorithm measured in a step.</summary>
/// <param name="means">The mean of each measurement, by name.</param>
/// <param name="choices">Every value of measurements that are whole numbers, such as the steps that were drawn, in the order of micro-batches and draws.</param>
internal sealed class Measured(IReadOnlyDictionary<string, double> means, IReadOnlyDictionary<string, IReadOnlyList<long>> choices)
    : ReadOnlyDictionary<string, double>(new Dictionary<string, double>(means))
{
    /// <summary>Every value of measurements that are whole numbers.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<long>> Choices { get; } = choices;
}
