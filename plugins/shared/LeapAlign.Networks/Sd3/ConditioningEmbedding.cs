using LeapAlign.Networks.Mmdit;
using LeapAlign.Networks.Weights;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Sd3;

/// <summary>The vector that conditions every block: an embedding of the time plus one of the pooled text features.</summary>
internal sealed class ConditioningEmbedding
{
    private readonly EmbeddingPerceptron _time;
    private readonly EmbeddingPerceptron _text;

    public ConditioningEmbedding(WeightScope scope, Sd3Config config)
    {
        _time = new EmbeddingPerceptron(scope / "timestep_embedder", Sinusoid.Width, config.Width);
        _text = new EmbeddingPerceptron(scope / "text_embedder", config.PooledWidth, config.Width);
    }

    /// <summary>Time [B] in 0..1000 and pooled features [B, P] in the compute type to [B, width].</summary>
    public Tensor Forward(Tensor timestep, Tensor pooled) =>
        _time.Forward(Sinusoid.Encode(timestep).to(pooled.dtype)) + _text.Forward(pooled);
}
