using LeapAlign.Pipelines;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Tests.Pipelines;

/// <summary>Which batches of captions are encoded anew.</summary>
public sealed class EmbeddingCacheTests
{
    [Fact]
    public void Cache_keeps_the_most_recent_batches()
    {
        using var scope = NewDisposeScope();
        using var cache = new EmbeddingCache(2 * Bytes(1));
        Assert.True(Encodes(cache, "a"));
        Assert.True(Encodes(cache, "b"));
        Assert.False(Encodes(cache, "a"));
        Assert.True(Encodes(cache, "c"));
        Assert.False(Encodes(cache, "a"));
        Assert.False(Encodes(cache, "c"));
        // What is larger than all of it drops nothing.
        Assert.True(Encodes(cache, "large", 100));
        Assert.True(Encodes(cache, "large", 100));
        Assert.False(Encodes(cache, "a"));
        Assert.True(Encodes(cache, "b"));
    }

    [Fact]
    public void Batches_are_told_apart_by_their_captions_and_not_by_the_text_of_all()
    {
        using var scope = NewDisposeScope();
        using var cache = new EmbeddingCache(1000);
        Assert.True(Encodes(cache, ["ab", "c"]));
        Assert.True(Encodes(cache, ["a", "bc"]));
        Assert.True(Encodes(cache, ["c", "ab"]));
        Assert.True(Encodes(cache, ["ab1:c"]));
        Assert.False(Encodes(cache, ["ab", "c"]));
    }

    [Fact]
    public void What_is_handed_out_outlives_the_cache_and_what_is_kept_outlives_that()
    {
        using var scope = NewDisposeScope();
        var cache = new EmbeddingCache(1000);
        Embedding(cache).Dispose();
        using var kept = cache.Of(["a"], static _ => throw new InvalidOperationException("it is kept"));
        cache.Dispose();
        Assert.Equal(3f, kept.Context.sum().item<float>());
        Assert.Equal(3f, kept.Pooled.sum().item<float>());
    }

    private static TextEmbedding Embedding(EmbeddingCache cache) => cache.Of(["a"], static _ => new TextEmbedding(ones(3), ones(3)));

    private static long Bytes(long size)
    {
        using var embedding = new TextEmbedding(ones(size), ones(size));
        return embedding.Bytes;
    }

    private static bool Encodes(EmbeddingCache cache, string caption, long size = 1) => Encodes(cache, [caption], size);

    private static bool Encodes(EmbeddingCache cache, string[] captions, long size = 1)
    {
        var encoded = false;
        cache.Of(captions, _ =>
        {
            encoded = true;
            return new TextEmbedding(ones(size), ones(size));
        }).Dispose();
        return encoded;
    }
}
