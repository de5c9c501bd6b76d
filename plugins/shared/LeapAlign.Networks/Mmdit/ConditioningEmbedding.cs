using LeapAlign.Networks.Weights;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Mmdit;

/// <summary>The vector that conditions every block: an embedding of the time, one of the guidance scale where the model has that, and one of the pooled text features, added.</summary>
internal sealed class ConditioningEmbedding
{
    private readonly EmbeddingPerceptron _time;
    private readonly EmbeddingPerceptron? _guidance;
    private readonly EmbeddingPerceptron _text;

    public ConditioningEmbedding(WeightScope scope, long width, long pooledWidth, bool embedsGuidance = false)
    {
        _time = new EmbeddingPerceptron(scope / "timestep_embedder", Sinusoid.Width, width);
        if (embedsGuidance) _guidance = new EmbeddingPerceptron(scope / "guidance_embedder", Sinusoid.Width, width);
        _text = new EmbeddingPerceptron(scope / "text_embedder", pooledWidth, width);
    }

    /// <summary>Runs it.</summary>
    /// <param name="time">[B] in 0..1000.</param>
    /// <param name="guidance">1000 times the guidance scale, [B]; null for a model without an embedding of it.</param>
    /// <param name="pooled">Pooled text features [B, P] in the compute type.</param>
    /// <param name="gap">The embedding of the gap to a second time, [B, width], fp32; null for a network of one time.</param>
    /// <returns>[B, width] in the compute type.</returns>
    /// <exception cref="ArgumentException">A guidance scale is missing, or is there for a model that takes none.</exception>
    public Tensor Forward(Tensor time, Tensor? guidance, Tensor pooled, Tensor? gap = null)
    {
        if (guidance is null != _guidance is null)
            throw new ArgumentException(_guidance is null ? "this model embeds no guidance scale" : "this model embeds a guidance scale, which is missing", nameof(guidance));
        var embedded = _time.Forward(Sinusoid.Encode(time).to(pooled.dtype));
        if (guidance is not null) embedded = embedded + _guidance!.Forward(Sinusoid.Encode(guidance).to(pooled.dtype));
        if (gap is not null) embedded = embedded + gap.to(embedded.dtype);
        return embedded + _text.Forward(pooled);
    }
}
