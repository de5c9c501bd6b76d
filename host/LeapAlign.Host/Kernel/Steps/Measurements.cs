using static TorchSharp.torch;

namespace LeapAlign.Host.Kernel.Steps;

/// <summary>What an algorithm measured in a step: means of everything, and what is whole one by one.</summary>
internal sealed class Measurements
{
    private readonly Means _means = new();
    private readonly Dictionary<string, List<long>> _choices = [];

    public Measured Values => new(_means.Values, _choices.ToDictionary(static pair => pair.Key, static pair => (IReadOnlyList<long>)pair.Value));

    /// <summary>The values with means over all processes; choices are those of this one.</summary>
    public Measured Over(RankMeans ranks) => ranks.IsAlone ? Values : new(ranks.Of(_means.Values), Values.Choices);

    /// <summary>Takes values; whole numbers are choices, whose mean over micro-batches and draws would say little.</summary>
    public void Add(string name, Tensor values)
    {
        _means.Add(name, values);
        if (values.dtype != ScalarType.Int64) return;
        if (!_choices.TryGetValue(name, out var chosen)) _choices[name] = chosen = [];
        using var flat = values.detach().cpu().contiguous();
        chosen.AddRange(flat.data<long>().ToArray());
    }
}
