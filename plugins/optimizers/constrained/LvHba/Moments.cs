using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.State;
using LeapAlign.Contracts.Weights;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Optimizers.Constrained.LvHba;

/// <summary>A gradient's mean over the root of its second moment, as Adam has it: what steps go along. Those of y and of θ have their own, since λ ∇g may be far longer than ∇f.</summary>
/// <param name="parameters">What is trained.</param>
/// <param name="name">Whose it is, for states.</param>
/// <param name="form">β1, β2 and ε.</param>
internal sealed class Moments(ParameterSet parameters, string name, (double Beta1, double Beta2, double Epsilon) form) : IDisposable
{
    private readonly Tensor[] _means = [.. parameters.Select(static parameter => zeros_like(parameter.Value).detach().DetachFromDisposeScope())];
    private readonly Tensor[] _moments = [.. parameters.Select(static parameter => zeros_like(parameter.Value).detach().DetachFromDisposeScope())];
    private readonly int[] _updates = new int[parameters.Count];

    /// <summary>Takes a gradient, and gives the mean of those that were taken over the root of their second moment.</summary>
    /// <param name="place">Of the parameter.</param>
    /// <param name="gradient">Of its shape.</param>
    public Tensor Over(int place, Tensor gradient)
    {
        using var scope = NewDisposeScope();
        var own = gradient.to(_moments[place].dtype);
        _means[place].lerp_(own, 1 - form.Beta1);
        _moments[place].mul_(form.Beta2).addcmul_(own, own, 1 - form.Beta2);
        _updates[place]++;
        var (mean, square) = (_means[place] / (1 - Math.Pow(form.Beta1, _updates[place])), _moments[place] / (1 - Math.Pow(form.Beta2, _updates[place])));
        return (mean / (square.sqrt() + form.Epsilon)).MoveToOuterDisposeScope();
    }

    /// <summary>The moments, for states.</summary>
    public IEnumerable<NamedTensor> Tensors =>
        parameters.Zip(_moments, (parameter, moment) => new NamedTensor(Name(parameter), moment)).Concat(parameters.Zip(_means, (parameter, mean) => new NamedTensor(Mean(parameter), mean)));

    /// <summary>How many gradients each took, for states.</summary>
    public IEnumerable<KeyValuePair<string, double>> Numbers => parameters.Zip(_updates, (parameter, updates) => KeyValuePair.Create(Name(parameter), (double)updates));

    /// <summary>Takes them over.</summary>
    public Result<Unit> Load(PartState state) => parameters.Select((parameter, place) =>
        from moment in state.CopyTo(Name(parameter), _moments[place])
        from mean in state.CopyTo(Mean(parameter), _means[place])
        from updates in state.Number(Name(parameter))
        select Resumed(place, (int)updates)).All().Map(static _ => Unit.Value);

    public void Dispose()
    {
        foreach (var tensor in _moments.Concat(_means)) tensor.Dispose();
    }

    private Unit Resumed(int place, int updates)
    {
        _updates[place] = updates;
        return Unit.Value;
    }

    private string Name(Parameter parameter) => $"{name}_moment.{parameter.Name}";

    private string Mean(Parameter parameter) => $"{name}_mean.{parameter.Name}";
}
