namespace LeapAlign.Pipelines;

/// <summary>
/// The embeddings of recent batches of captions. Whole batches, not single captions: what a caption is encoded to may differ in the last bit with the
/// batch it is in, and a step must not depend on which batches came before it.
/// </summary>
/// <param name="capacity">Bytes that are kept at most.</param>
public sealed class EmbeddingCache(long capacity) : IDisposable
{
    private readonly Dictionary<string, LinkedListNode<(string Key, TextEmbedding Value)>> _entries = [];
    private readonly LinkedList<(string Key, TextEmbedding Value)> _recent = new();
    private long _bytes;

    /// <summary>The embedding of a batch of captions, encoded when it is not kept.</summary>
    /// <param name="captions">The captions, in order.</param>
    /// <param name="encode">Encodes them.</param>
    /// <returns>An embedding that the caller owns.</returns>
    public TextEmbedding Of(IReadOnlyList<string> captions, Func<IReadOnlyList<string>, TextEmbedding> encode)
    {
        ArgumentNullException.ThrowIfNull(encode);
        // A length before each caption makes the key unambiguous whatever the captions contain.
        var key = string.Concat(captions.Select(static caption => FormattableString.Invariant($"{caption.Length}:{caption}")));
        if (Find(key) is { } kept) return kept.Share();
        var embedding = encode(captions);
        Keep(key, embedding);
        return embedding;
    }

    /// <summary>Gives up what is kept.</summary>
    public void Dispose()
    {
        foreach (var (_, embedding) in _recent) embedding.Dispose();
        _recent.Clear();
        _entries.Clear();
        _bytes = 0;
    }

    private TextEmbedding? Find(string key)
    {
        if (!_entries.TryGetValue(key, out var node)) return null;
        _recent.Remove(node);
        _recent.AddFirst(node);
        return node.Value.Value;
    }

    // Drops those that were used longest ago when there are too many. One that is larger than all of it is not kept.
    private void Keep(string key, TextEmbedding embedding)
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
}
