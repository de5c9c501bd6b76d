using static TorchSharp.torch;

namespace LeapAlign.Rewards.Clip;

/// <summary>
/// Feature vectors of the captions that were used last. All of them are rows of one tensor, so that the number of tensors does not grow with the run.
/// </summary>
internal sealed class FeatureCache : IDisposable
{
    private readonly Dictionary<string, LinkedListNode<(string Text, long Row)>> _entries = [];
    private readonly LinkedList<(string Text, long Row)> _recent = new();
    private readonly Tensor _rows;
    private readonly int _capacity;

    /// <summary>Makes an empty cache.</summary>
    /// <param name="capacity">Captions that are kept; 0 keeps none.</param>
    /// <param name="features">Width of a feature vector.</param>
    /// <param name="device">Where the features live.</param>
    public FeatureCache(int capacity, long features, Device device)
    {
        _capacity = capacity;
        _rows = empty([capacity, features], dtype: ScalarType.Float32, device: device).DetachFromDisposeScope();
    }

    /// <summary>The features of a caption, from the cache or computed and kept.</summary>
    /// <param name="text">The caption.</param>
    /// <param name="compute">Makes its features, [features] fp32, a function of the caption alone.</param>
    /// <returns>A tensor of its own: what happens to the cache later does not change it.</returns>
    public Tensor Get(string text, Func<string, Tensor> compute)
    {
        if (_entries.TryGetValue(text, out var node))
        {
            _recent.Remove(node);
            _recent.AddFirst(node);
            return _rows[node.Value.Row].clone();
        }
        var features = compute(text);
        if (_capacity > 0) Keep(text, features);
        return features;
    }

    public void Dispose() => _rows.Dispose();

    private void Keep(string text, Tensor features)
    {
        var row = (long)_entries.Count;
        if (row == _capacity)
        {
            var oldest = _recent.Last!.Value;
            _recent.RemoveLast();
            _entries.Remove(oldest.Text);
            row = oldest.Row;
        }
        _entries[text] = _recent.AddFirst((text, row));
        _rows[row].copy_(features);
    }
}
