using LeapAlign.Contracts.Randomness;
using LeapAlign.Contracts.Weights;
using static TorchSharp.torch;

namespace LeapAlign.Rewards.LatentHead;

/// <summary>The widths of a head.</summary>
/// <param name="Tokens">Of an image token.</param>
/// <param name="Captions">Of a pooled caption.</param>
/// <param name="Hidden">Of the head.</param>
internal sealed record HeadShape(int Tokens, int Captions, int Hidden)
{
    /// <summary>Weighted means of the tokens, beside the plain one.</summary>
    public const int Means = 4;

    /// <summary>Numbers that say a noise level: <c>cos(π k σ)</c>, k from 1.</summary>
    public const int Levels = 8;

    /// <summary>Every tensor of a head.</summary>
    public IReadOnlyList<(string Name, long[] Shape)> Tensors =>
    [
        ("tokens.weight", [Hidden, Tokens]),
        ("tokens.bias", [Hidden]),
        ("steer.weight", [2 * Hidden, Captions + Levels]),
        ("steer.bias", [2 * Hidden]),
        ("means.weight", [Means, Hidden]),
        ("mix.weight", [Hidden, (Means + 1) * Hidden]),
        ("mix.bias", [Hidden]),
        ("score.weight", [1, Hidden]),
        ("score.bias", [1]),
    ];
}

/// <summary>
/// A head: image tokens of the model to one number. Each token is normalised, projected and steered by caption and noise level (scaled and shifted, as FiLM does: Perez et al. 2018, arXiv:1709.07871); the tokens
/// are averaged once plainly and several times by learnt attention, and the averages go through one more layer.
/// </summary>
/// <param name="shape">Its widths.</param>
/// <param name="tensors">Those of <see cref="HeadShape.Tensors"/>, in order, all of one floating-point type. They belong to the head.</param>
internal sealed class Head(HeadShape shape, IReadOnlyList<Tensor> tensors) : IDisposable
{
    private const double Epsilon = 1e-6;

    // Where weight and bias of the last layer are among the tensors.
    private const int LastLayer = 7;

    public HeadShape Shape => shape;

    /// <summary>Its tensors, in the order of <see cref="HeadShape.Tensors"/>.</summary>
    public IReadOnlyList<Tensor> Tensors => tensors;

    /// <summary>A head that has learnt nothing: biases of 0, weights of variance 1/inputs.</summary>
    public static Head New(HeadShape shape, RandomKey random, Device device) => new(shape, [.. shape.Tensors.Select(tensor =>
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var value = tensor.Shape.Length == 1 ? zeros(tensor.Shape, dtype: ScalarType.Float32, device: device) : random.For(tensor.Name).Normal(tensor.Shape, device) / Math.Sqrt(tensor.Shape[^1]);
        return value.DetachFromDisposeScope();
    })]);

    /// <summary>The tensors as parameters that are trained.</summary>
    public ParameterSet Parameters() => new(shape.Tensors.Zip(tensors, static (named, value) => new Parameter(named.Name, Parameter.RoleOf(named.Name, named.Shape), value.requires_grad_())));

    /// <summary>What it makes of samples, before offset and scale.</summary>
    /// <param name="features">[B, L · tokens + captions]: the image's tokens one after another, then the pooled caption.</param>
    /// <param name="sigmas">One noise level for all, or one for each.</param>
    /// <returns>[B], in the type of the head.</returns>
    public Tensor Forward(Tensor features, IReadOnlyList<double> sigmas)
    {
        using var scope = NewDisposeScope();
        return nn.functional.linear(LastInputs(features, sigmas), tensors[LastLayer], tensors[LastLayer + 1]).squeeze(1).MoveToOuterDisposeScope();
    }

    /// <summary>What goes into its last layer.</summary>
    /// <param name="features">[B, L · tokens + captions], as of <see cref="Forward"/>.</param>
    /// <param name="sigmas">One noise level for all, or one for each.</param>
    /// <returns>[B, hidden], in the type of the head.</returns>
    public Tensor LastInputs(Tensor features, IReadOnlyList<double> sigmas)
    {
        using var scope = NewDisposeScope();
        var (samples, width) = (features.shape[0], features.shape[1] - shape.Captions);
        var (_, rest) = Math.DivRem(width, shape.Tokens);
        if (rest != 0 || width <= 0) throw new ArgumentException($"{features.shape[1]} features are not tokens of {shape.Tokens} and a caption of {shape.Captions}", nameof(features));
        if (sigmas.Count != 1 && sigmas.Count != samples) throw new ArgumentException($"{sigmas.Count} noise levels for {samples} samples", nameof(sigmas));
        var type = tensors[0].dtype;
        var tokens = Normalised(features.narrow(1, 0, width).reshape(samples, -1, shape.Tokens).to(type));
        var caption = Normalised(features.narrow(1, width, shape.Captions).to(type));
        var level = Level(sigmas, type, features.device).expand(samples, -1);
        var steer = nn.functional.linear(cat([caption, level], 1), tensors[2], tensors[3]).unsqueeze(1);
        var (scale, shift) = (steer.narrow(2, 0, shape.Hidden), steer.narrow(2, shape.Hidden, shape.Hidden));
        var hidden = nn.functional.silu((nn.functional.linear(tokens, tensors[0], tensors[1]) * (1 + scale)) + shift);
        var weights = (nn.functional.linear(hidden, tensors[4]) / Math.Sqrt(shape.Hidden)).softmax(1);
        var means = cat([hidden.mean([1], keepdim: true), weights.transpose(1, 2).matmul(hidden)], 1).flatten(1);
        return nn.functional.silu(nn.functional.linear(means, tensors[5], tensors[6])).MoveToOuterDisposeScope();
    }

    /// <summary>Takes all layers of another head but the last.</summary>
    /// <param name="other">Of the same shape.</param>
    public void TakeLayers(Head other)
    {
        using var _ = no_grad();
        foreach (var (own, taken) in tensors.Zip(other.Tensors).Take(LastLayer)) own.copy_(taken);
    }

    /// <summary>Puts another last layer in the place of the one that is there.</summary>
    /// <param name="weights">[hidden].</param>
    /// <param name="intercept">What is added.</param>
    public void SetLastLayer(Tensor weights, double intercept)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        tensors[LastLayer].copy_(weights.reshape(1, -1));
        tensors[LastLayer + 1].fill_(intercept);
    }

    public void Dispose()
    {
        foreach (var tensor in tensors) tensor.Dispose();
    }

    private static Tensor Normalised(Tensor values) => nn.functional.layer_norm(values, [values.shape[^1]], eps: Epsilon);

    private static Tensor Level(IReadOnlyList<double> sigmas, ScalarType type, Device device)
    {
        var angles = tensor(sigmas.ToArray(), dtype: ScalarType.Float64).unsqueeze(1) * (arange(1, HeadShape.Levels + 1, dtype: ScalarType.Float64) * Math.PI);
        return angles.cos().to(type).to(device);
    }
}
