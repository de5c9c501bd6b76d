using LeapAlign.Networks.Mmdit;
using LeapAlign.Networks.Sd3;
using LeapAlign.Networks.Weights;
using LeapAlign.Testing;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Tests.Diffusion;

/// <summary>Times and places as numbers.</summary>
public class EmbeddingTests
{
    [Theory]
    [InlineData(0, -0.883849)]
    [InlineData(1, 0.945946)]
    [InlineData(2, 0.848507)]
    [InlineData(127, 0.998557)]
    [InlineData(128, -0.467772)]
    [InlineData(129, 0.324325)]
    [InlineData(130, -0.529184)]
    [InlineData(255, 0.053705)]
    public void Sinusoid_rounds_every_step_to_single_precision(int index, double expected)
    {
        using var scope = NewDisposeScope();
        Assert.Equal(expected, Sinusoid.Encode(tensor(500f).unsqueeze(0))[0, index].item<float>(), 1.5e-6);
    }

    [Fact]
    public void Sinusoid_is_differentiable_with_respect_to_the_time()
    {
        using var scope = NewDisposeScope();
        var time = tensor(new[] { 3f, 0.25f }).requires_grad_();
        var encoded = Sinusoid.Encode(time);
        encoded.sum().backward();
        var frequencies = (arange(128, dtype: float64) * (-Math.Log(10000) / 128)).exp();
        var slopes = ((encoded[.., ..128] - encoded[.., 128..]).to(float64) * frequencies).sum(-1);
        Agreement.Values(time.grad!, slopes, "slopes");
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 3)]
    [InlineData(5, 4)]
    [InlineData(9, 9)]
    [InlineData(9, 1)]
    public void Patches_take_the_centre_of_the_position_table(int rows, int columns)
    {
        const int tableSize = 9;
        using var scope = NewDisposeScope();
        using var weights = new WeightSet();
        var embedding = Embedding(weights, tableSize);
        using var _ = no_grad();
        var latents = zeros(1, 1, 2 * rows, 2 * columns);
        var places = embedding.Forward(latents)[0, .., 0].view(rows, columns);
        var (top, left) = ((tableSize - rows) / 2, (tableSize - columns) / 2);
        var expected = ((arange(rows) + top).unsqueeze(1) * tableSize) + arange(columns) + left;
        Agreement.Values(places, expected, "places");
    }

    [Theory]
    [InlineData(20, 2)]
    [InlineData(2, 20)]
    [InlineData(3, 2)]
    public void Latents_that_do_not_fit_are_refused(int height, int width)
    {
        using var scope = NewDisposeScope();
        using var weights = new WeightSet();
        var embedding = Embedding(weights, tableSize: 9);
        Assert.Throws<ArgumentException>(() => embedding.Forward(zeros(1, 1, height, width)));
    }

    /// <summary>An embedding that ignores the latents and numbers the places of its table.</summary>
    private static PatchEmbedding Embedding(WeightSet weights, int tableSize)
    {
        var config = new Sd3Config
        {
            Layers = 1,
            Heads = 1,
            HeadWidth = 4,
            ContextWidth = 1,
            PooledWidth = 1,
            PatchSize = 2,
            InChannels = 1,
            OutChannels = 1,
            SampleSize = tableSize,
            PositionTableSize = tableSize,
            NormalisesQueriesAndKeys = false,
            DualAttentionLayers = [],
        };
        var embedding = new PatchEmbedding(weights.Root, config);
        weights.Allocate(CPU, float32);
        foreach (var weight in weights.All)
        {
            weight.Master.zero_();
            if (weight.IsBuffer) weight.Master.add_(arange(tableSize * tableSize).view(1, -1, 1));
        }
        return embedding;
    }
}
