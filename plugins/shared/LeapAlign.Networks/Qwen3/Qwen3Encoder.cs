using LeapAlign.Networks.Layers;
using LeapAlign.Networks.Weights;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Qwen3;

/// <summary>Qwen3 as a text encoder (<c>Qwen3Model</c>): every token sees itself and those before it.</summary>
public sealed class Qwen3Encoder
{
    private const string Prefix = "model.";

    // What keys that a query does not see have added to their scores: in every type the softmax makes 0 of it.
    private const double Unseen = -1e30;

    private readonly Qwen3Config _config;
    private readonly Embedding _tokens;
    private readonly Qwen3Layer[] _layers;
    private readonly RmsNorm _finalNorm;

    /// <summary>Declares the weights under the names of a bare <c>Qwen3Model</c>.</summary>
    public Qwen3Encoder(Qwen3Config config, WeightScope scope)
    {
        ArgumentNullException.ThrowIfNull(config);
        _config = config;
        _tokens = new Embedding(scope / "embed_tokens", config.Vocabulary, config.Width);
        _layers = [.. Enumerable.Range(0, config.Layers).Select(index => new Qwen3Layer(config, scope / "layers" / index))];
        _finalNorm = new RmsNorm(scope / "norm", config.Width, config.Epsilon);
    }

    /// <summary>
    /// The declared name for a name in a file, for <see cref="WeightSet.Load"/>: files of a whole language model have a prefix, and a head, which an encoder has no use for.
    /// </summary>
    public static string? DeclaredName(string fileName)
    {
        ArgumentNullException.ThrowIfNull(fileName);
        if (fileName is "lm_head.weight") return null;
        return fileName.StartsWith(Prefix, StringComparison.Ordinal) ? fileName[Prefix.Length..] : fileName;
    }

    /// <summary>The hidden states after some layers; layers behind the last of them are not evaluated.</summary>
    /// <param name="ids">[B, T] int64, padded on the right.</param>
    /// <param name="lengths">The tokens of each text. What stands behind them sees a text and is seen by none.</param>
    /// <param name="after">
    /// After how many layers, in ascending order: 0 is the token table's rows, the number of layers is what the last norm makes of the last one's.
    /// </param>
    /// <returns>One [B, T, width] for each, in the compute type.</returns>
    public Tensor[] States(Tensor ids, IReadOnlyList<int> lengths, params IReadOnlyList<int> after)
    {
        ArgumentNullException.ThrowIfNull(ids);
        ArgumentNullException.ThrowIfNull(lengths);
        ArgumentNullException.ThrowIfNull(after);
        using var scope = NewDisposeScope();
        var hidden = _tokens.Forward(ids);
        var (angles, mask) = (Angles(ids.shape[1], ids.device), Mask(ids.shape[1], lengths, hidden.dtype, ids.device));
        List<Tensor> states = [];
        for (var done = 0; states.Count < after.Count; done++)
        {
            if (done > 0) hidden = _layers[done - 1].Forward(hidden, angles, mask);
            if (after[states.Count] == done) states.Add(done == _config.Layers ? _finalNorm.Forward(hidden) : hidden);
        }
        return [.. states.Select(static state => state.MoveToOuterDisposeScope())];
    }

    // In fp32, the powers, too, as the model was trained.
    private (Tensor Cosines, Tensor Sines) Angles(long length, Device device)
    {
        var exponents = arange(0, _config.HeadWidth, 2, dtype: ScalarType.Float32, device: device).div(_config.HeadWidth);
        var frequencies = full_like(exponents, _config.RotaryBase).pow(exponents).reciprocal();
        var angles = arange(length, dtype: ScalarType.Float32, device: device).unsqueeze(1) * frequencies;
        return (angles.cos(), angles.sin());
    }

    private static Tensor Mask(long length, IReadOnlyList<int> lengths, ScalarType type, Device device)
    {
        var places = arange(length, dtype: ScalarType.Int64, device: device);
        var later = places.unsqueeze(0).gt(places.unsqueeze(1)).to(type).unsqueeze(0);
        if (lengths.All(own => own == length)) return later.mul(Unseen).unsqueeze(1);
        var ends = tensor([.. lengths.Select(static own => (long)own)], dtype: ScalarType.Int64, device: device);
        var behind = places.unsqueeze(0).ge(ends.unsqueeze(1)).to(type).unsqueeze(1);
        return later.maximum(behind).mul(Unseen).unsqueeze(1);
    }
}
