using LeapAlign.Contracts.Algorithms;
using static TorchSharp.torch;

namespace LeapAlign.Host.Kernel.Steps;

/// <summary>What was measured in a step: means of everything, and choices one by one.</summary>
internal sealed class Measurements
{
    private readonly Means _means = new();
    private readonly Dictionary<string, SortedDictionary<(int Rank, int Batch), List<long>>> _choices = [];
    private readonly List<ChoicePair> _pairs = [];

    /// <summary>All of it.</summary>
    public Measured Values =>
        new(_means.Values, _choices.ToDictionary(static pair => pair.Key, static pair => (IReadOnlyList<long>)[.. pair.Value.Values.SelectMany(static batch => batch)])) { Pairs = [.. _pairs] };

    /// <summary>Takes a measurement; choices are kept one by one, because their mean over micro-batches and draws would say little.</summary>
    /// <param name="batch">The micro-batch that it is of.</param>
    /// <param name="measured">The measurement.</param>
    public void Add(int batch, Measurement measured)
    {
        _means.Add(measured.Name, batch, measured.Value);
        if (measured.Kind != MeasurementKind.Choice) return;
        using var whole = measured.Value.detach().to(ScalarType.Int64);
        using var flat = whole.cpu().contiguous();
        Chosen(measured.Name, (0, batch)).AddRange(flat.data<long>().ToArray());
        if (measured.With is { } other) Paired(new ChoicePair(other, measured.Name));
    }

    /// <summary>Writes what was measured.</summary>
    public void Write(BinaryWriter writer)
    {
        _means.Write(writer);
        writer.Write(_choices.Count);
        foreach (var (name, batches) in _choices)
        {
            writer.Write(name);
            writer.Write(batches.Count);
            foreach (var ((_, batch), values) in batches)
            {
                writer.Write(batch);
                writer.Write(values.Count);
                foreach (var value in values) writer.Write(value);
            }
        }
        writer.Write(_pairs.Count);
        foreach (var (first, second) in _pairs)
        {
            writer.Write(first);
            writer.Write(second);
        }
    }

    /// <summary>Adds what a process wrote.</summary>
    public void Read(BinaryReader reader, int rank)
    {
        _means.Read(reader, rank);
        for (var names = reader.ReadInt32(); names > 0; names--)
        {
            var name = reader.ReadString();
            for (var batches = reader.ReadInt32(); batches > 0; batches--)
            {
                var chosen = Chosen(name, (rank, reader.ReadInt32()));
                for (var values = reader.ReadInt32(); values > 0; values--) chosen.Add(reader.ReadInt64());
            }
        }
        for (var pairs = reader.ReadInt32(); pairs > 0; pairs--) Paired(new ChoicePair(reader.ReadString(), reader.ReadString()));
    }

    private List<long> Chosen(string name, (int, int) place)
    {
        if (!_choices.TryGetValue(name, out var batches)) _choices[name] = batches = [];
        if (!batches.TryGetValue(place, out var chosen)) batches[place] = chosen = [];
        return chosen;
    }

    private void Paired(ChoicePair pair)
    {
        if (!_pairs.Contains(pair)) _pairs.Add(pair);
    }
}
