using static TorchSharp.torch;

namespace LeapAlign.Host.Kernel.Steps;

/// <summary>Means over everything that was added under a name: added up in each micro-batch as it came, and over micro-batches in the order of the step.</summary>
internal sealed class Means
{
    private readonly Dictionary<string, SortedDictionary<(int Rank, int Batch), (double Sum, long Count)>> _sums = [];

    /// <summary>The means, by name.</summary>
    public IReadOnlyDictionary<string, double> Values => _sums.ToDictionary(
        static pair => pair.Key, static pair => pair.Value.Values.Sum(static part => part.Sum) / pair.Value.Values.Sum(static part => part.Count));

    /// <summary>Adds values.</summary>
    /// <param name="name">What they are.</param>
    /// <param name="batch">The micro-batch that they are of.</param>
    /// <param name="values">Any number of them.</param>
    public void Add(string name, int batch, Tensor values)
    {
        // A batch none of whose scores are there says nothing of their mean.
        if (values.numel() == 0) return;
        using var sum = values.detach().to(ScalarType.Float64).sum();
        Add(name, (0, batch), sum.item<double>(), values.numel());
    }

    /// <summary>Writes what was added.</summary>
    public void Write(BinaryWriter writer)
    {
        writer.Write(_sums.Count);
        foreach (var (name, parts) in _sums)
        {
            writer.Write(name);
            writer.Write(parts.Count);
            foreach (var ((_, batch), (sum, count)) in parts)
            {
                writer.Write(batch);
                writer.Write(sum);
                writer.Write(count);
            }
        }
    }

    /// <summary>Adds what a process wrote.</summary>
    public void Read(BinaryReader reader, int rank)
    {
        for (var names = reader.ReadInt32(); names > 0; names--)
        {
            var name = reader.ReadString();
            for (var parts = reader.ReadInt32(); parts > 0; parts--) Add(name, (rank, reader.ReadInt32()), reader.ReadDouble(), reader.ReadInt64());
        }
    }

    /// <summary>Forgets everything.</summary>
    public void Clear() => _sums.Clear();

    private void Add(string name, (int, int) place, double sum, long count)
    {
        if (!_sums.TryGetValue(name, out var parts)) _sums[name] = parts = [];
        var (total, number) = parts.GetValueOrDefault(place);
        parts[place] = (total + sum, number + count);
    }
}
