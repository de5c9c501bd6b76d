namespace LeapAlign.Models.Sd3;

/// <summary>
/// The embeddings of recent batches of captions. Whole batches, not single captions: what a caption is encoded to may differ in the last bit with the
/// batch it is in, and a step must not depend on which batches came before it.
/// </summary>
/// <param name="capacity">Bytes that are kept at most.</param>
internal sealed class EmbeddingCache(long capacity) : IDisposable
{
    private readonly Dictionary<string, LinkedListNode<(string Key, TextEmbedding Value)>> _entries = [];
    private readonly LinkedList<(string Key, TextEmbedding Value)> _recent = new();
    private long _bytes;

    /// <summary>The embedding of a batch, which the caller must not dispose while it uses it; null when it is not kept.</summary>
    public TextEmbedding? Find(string key)
    {
        if (!_entries.TryGetValue(key, out var node)) return null;
        _recent.Remove(node);
        _recent.AddFirst(node);
        return node.Value.Value;
    }

    /// <summary>Keeps an embedding, and drops those that were used longest ago when there are too many. One that is larger than all of it is not kept.</summary>
    public void Keep(string key, TextEmbedding embedding)
    {
        if (embedding.Bytes > capacity || _entries.ContainsKey(key)) return;
        while (_bytes + embedding.Bytes > capacity) Drop(_recent.Last!);
        _entries[key] = _recent.AddFirst((key, embedding.Share()));
        _bytes += embedding.Bytes;
    }

    private void Drop(LinkedListNode<(string Key, TextEmbedding Value)> node)
    {
        _recent.Remove(node);
        _entries.Remove(node.Value.Key);
        _bytes -= node.Value.Value.Bytes;
        node.Value.Value.Dispose();
    }

    public void Dispose()
    {
        foreach (var (_, embedding) in _recent) embedding.Dispose();
        _recent.Clear();
        _entries.Clear();
    }
}
