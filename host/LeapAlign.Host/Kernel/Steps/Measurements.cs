using LeapAlign.Contracts.Algorithms;
using static TorchSharp.torch;

namespace LeapAlign.Host.Kernel.Steps;

/// <summary>What an algorithm measured in a step: means of everything, and choices one by one.</summary>
internal sealed class Measurements
{
    private readonly Means _means = new();
    private readonly Dictionary<string, List<long>> _choices = [];

    private readonly List<ChoicePair> _pairs = [];

    public Measured Values => new(_means.Values, _choices.ToDictionary(static pair => pair.Key, static pair => (IReadOnlyList<long>)pair.Value)) { Pairs = [.. _pairs] };

    /// <summary>The values with means over all processes; choices are those of this one.</summary>
    public Measured Over(RankMeans ranks) => ranks.IsAlone ? Values : new(ranks.Of(_means.Values), Values.Choices) { Pairs = [.. _pairs] };

    /// <summary>Takes a measurement; choices are kept one by one, because their mean over micro-batches and draws would say little.</summary>
    public void Add(Measurement measured)
    {
        _means.Add(measured.Name, measured.Value);
        if (measured.Kind != MeasurementKind.Choice) return;
        if (!_choices.TryGetValue(measured.Name, out var chosen)) _choices[measured.Name] = chosen = [];
        using var whole = measured.Value.detach().to(ScalarType.Int64);
        using var flat = whole.cpu().contiguous();
        chosen.AddRange(flat.data<long>().ToArray());
        if (measured.With is { } other && new ChoicePair(other, measured.Name) is var pair && !_pairs.Contains(pair)) _pairs.Add(pair);
    }
}
