using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.State;
using LeapAlign.Contracts.Weights;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Optimizers.Constrained.LvHba;

/// <summary>
/// Where training began, and how much a drift from there costs: a divergence that is 0 there is, near it, a quadratic <c>h ‖y − y_0‖²</c> along the direction that training took, and its budget a ball. h is the mean of what
/// steps measured, so that the ball is not as noisy as they are. Not the paper's, which asks for a closed form and leaves it open.
/// </summary>
/// <param name="parameters">What is trained, as it is now: y_0.</param>
/// <param name="decay">Of the mean.</param>
internal sealed class Drift(ParameterSet parameters, double decay) : IDisposable
{
    private readonly Tensor[] _origin = [.. parameters.Select(static parameter => parameter.Value.detach().clone().DetachFromDisposeScope())];
    private double _curvature;

    // ‖y − y_0‖² between two steps.
    private double _drifted;

    /// <summary>Takes what a step measured, and puts what it made onto the ball.</summary>
    /// <param name="measured">The divergence before the step.</param>
    /// <param name="budget">What it may be.</param>
    /// <param name="lower">y behind the step, to be changed.</param>
    /// <returns>Whether it was outside.</returns>
    public bool Project(double measured, double budget, IReadOnlyList<Tensor> lower)
    {
        using var scope = NewDisposeScope();
        Tensor[] away = [.. lower.Zip(_origin, static (tensor, origin) => tensor - origin)];
        if (_drifted > 0) _curvature = _curvature == 0 ? measured / _drifted : (decay * _curvature) + ((1 - decay) * measured / _drifted);
        _drifted = away.Dot(away);
        if (!(_curvature * _drifted > budget)) return false;
        var share = Math.Sqrt(budget / (_curvature * _drifted));
        _drifted *= share * share;
        foreach (var ((tensor, origin), by) in lower.Zip(_origin).Zip(away)) tensor.copy_(origin + (by * share));
        return true;
    }

    /// <summary>y_0, for states.</summary>
    public IEnumerable<NamedTensor> Tensors => parameters.Zip(_origin, static (parameter, origin) => new NamedTensor(Name(parameter), origin));

    /// <summary>h and how far y is, for states.</summary>
    public IEnumerable<KeyValuePair<string, double>> Numbers => [new("curvature", _curvature), new("drifted", _drifted)];

    /// <summary>Takes them over.</summary>
    public Result<Unit> Load(PartState state) =>
        from origins in parameters.Zip(_origin, (parameter, origin) => state.CopyTo(Name(parameter), origin)).All()
        from curvature in state.Number("curvature")
        from drifted in state.Number("drifted")
        select Resumed(curvature, drifted);

    public void Dispose()
    {
        foreach (var origin in _origin) origin.Dispose();
    }

    private Unit Resumed(double curvature, double drifted)
    {
        (_curvature, _drifted) = (curvature, drifted);
        return Unit.Value;
    }

    private static string Name(Parameter parameter) => $"origin.{parameter.Name}";
}
