namespace LeapAlign.Models.Sd3;

/// <summary>
/// The embeddings of recent batches of captions. Whole batches, not single captions: what a caption is encoded to may differ in the last bit with the
/// batch it is in, and a step must not depend on which batches came before it.
/// </summary>
internal sealed class EmbeddingCache(int capacity) : IDisposable
{
    private readonly Dictionary<string, LinkedListNode<(string Key, TextEmbedding Value)>> _entries = [];
    private readonly LinkedList<(string Key, TextEmbedding Value)> _recent = new();

    /// <summary>The embedding of a batch, which the caller must not dispose while it uses it; null when it is not kept.</summary>
    public TextEmbedding? Find(string key)
    {
        if (!_entries.TryGetValue(key, out var node)) return null;
        _recent.Remove(node);
        _recent.AddFirst(node);
        return node.Value.Value;
    }

    /// <summary>Keeps an embedding, and drops the one that was used longest ago when there are too many.</summary>
    public void Keep(string key, TextEmbedding embedding)
    {
        if (capacity == 0 || _entries.ContainsKey(key)) return;
        _entries[key] = _recent.AddFirst((key, embedding.Share()));
        if (_entries.Count <= capacity) return;
        var oldest = _recent.Last!;
        _recent.RemoveLast();
        _entries.Remove(oldest.Value.Key);
        oldest.Value.Value.Dispose();
    }

    public void Dispose()
    {
        foreach (var (_, embedding) in _recent) embedding.Dispose();
        _recent.Clear();
        _entries.Clear();
    }
}
