using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Contracts.State;
using LeapAlign.Contracts.Weights;
using LeapAlign.Optimization;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Rewards.Surrogate;

/// <summary>One member of the ensemble: three convolutions over a small picture, steered by its caption, to a number for each reward, in units of their spread.</summary>
internal sealed class Regression : IDisposable
{
    private const int Hidden = 64;
    private const double LongestGradient = 1;
    private readonly ParameterSet _parameters;
    private readonly Dictionary<string, Tensor> _weights;
    private readonly AdamWUpdates _optimizer;
    private readonly string _name;

    public Regression(string name, SurrogateSettings settings, int rewards, Device device)
    {
        _name = name;
        var key = RandomKey.OfRun(settings.Seed).For("surrogate", name[^1]);
        var (width, last) = (settings.Width, settings.Size / 8);
        (string Name, long[] Shape)[] shapes =
        [
            ("first.weight", [width, 3, 3, 3]), ("first.bias", [width]), ("second.weight", [width, width, 3, 3]), ("second.bias", [width]), ("third.weight", [width, width, 3, 3]), ("third.bias", [width]),
            ("steer.weight", [2 * width, CaptionWords.Count]), ("steer.bias", [2 * width]), ("hidden.weight", [Hidden, width * last * last]), ("hidden.bias", [Hidden]), ("score.weight", [rewards, Hidden]), ("score.bias", [rewards]),
        ];
        _weights = shapes.ToDictionary(static shape => shape.Name, shape => First(key, shape, device), StringComparer.Ordinal);
        _parameters = new ParameterSet(shapes.Select(shape => new Parameter($"{name}.{shape.Name}", shape.Name.EndsWith("bias", StringComparison.Ordinal) ? ParameterRole.Bias : ParameterRole.Matrix, _weights[shape.Name])));
        _optimizer = new AdamWUpdates("surrogate-attack", new AdamWForm(0.9, 0.999, 1e-8, Fused: false), _parameters, new WeightDecay(1e-4, All: false));
    }

    /// <summary>What is kept between steps.</summary>
    public IEnumerable<NamedTensor> Tensors => [.. _weights.Select(weight => new NamedTensor($"{_name}.{weight.Key}", weight.Value.detach())), .. _optimizer.Tensors];

    /// <summary>The counts of updates.</summary>
    public IEnumerable<KeyValuePair<string, double>> Numbers => _optimizer.Numbers;

    /// <summary>Takes both over from a state.</summary>
    public Result<Unit> Load(PartState state) =>
        from weights in _weights.Select(weight => state.CopyTo($"{_name}.{weight.Key}", weight.Value)).All()
        from optimizer in _optimizer.Load(state)
        select Unit.Value;

    /// <summary>The scores of pictures.</summary>
    /// <param name="pictures">[B, 3, s, s] in [0, 1].</param>
    /// <param name="words">[B, 64].</param>
    /// <returns>[B, R], in units of the rewards' spread.</returns>
    public Tensor Scores(Tensor pictures, Tensor words)
    {
        using var scope = NewDisposeScope();
        var x = (pictures - 0.5) * 2;
        foreach (var layer in (string[])["first", "second", "third"])
            x = nn.functional.silu(nn.functional.conv2d(x, _weights[$"{layer}.weight"], _weights[$"{layer}.bias"], strides: [2, 2], padding: [1, 1]));
        var steer = nn.functional.linear(words, _weights["steer.weight"], _weights["steer.bias"]).unsqueeze(2).unsqueeze(3).chunk(2, 1);
        var hidden = nn.functional.silu(nn.functional.linear(((x * (1 + steer[0])) + steer[1]).flatten(1), _weights["hidden.weight"], _weights["hidden.bias"]));
        return nn.functional.linear(hidden, _weights["score.weight"], _weights["score.bias"]).MoveToOuterDisposeScope();
    }

    /// <summary>Makes an update towards scores, by the mean squared error.</summary>
    public void Learn(Tensor pictures, Tensor words, Tensor scores, double rate)
    {
        using var scope = NewDisposeScope();
        using var gradients = enable_grad();
        (Scores(pictures, words) - scores).square().mean().backward();
        using (var norm = _parameters.GradientNorm()) _parameters.ClipGradients(norm, LongestGradient);
        _optimizer.Update(rate);
        _parameters.ClearGradients();
    }

    public void Dispose()
    {
        _optimizer.Dispose();
        _parameters.ClearGradients();
        foreach (var weight in _weights.Values) weight.Dispose();
    }

    private static Tensor First(RandomKey key, (string Name, long[] Shape) shape, Device device)
    {
        using var scope = NewDisposeScope();
        if (shape.Name.EndsWith("bias", StringComparison.Ordinal)) return zeros(shape.Shape, device: device).requires_grad_().DetachFromDisposeScope();
        // He and others 2015; the caption and the score begin near nothing.
        var small = shape.Name is "steer.weight" or "score.weight" ? 0.1 : 1;
        var inputs = shape.Shape[1..].Aggregate(1L, static (product, side) => product * side);
        return (key.For(shape.Name).Normal(shape.Shape, device) * (small * Math.Sqrt(2.0 / inputs))).requires_grad_().DetachFromDisposeScope();
    }
}
