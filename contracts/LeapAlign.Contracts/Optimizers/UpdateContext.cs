using LeapAlign.Contracts.Plugins;
using static TorchSharp.torch;

namespace LeapAlign.Contracts.Optimizers;

/// <summary>What an optimizer is given for one update.</summary>
/// <param name="index">The update of the run, from 0; learning-rate schedules are functions of it. Most algorithms update once a step.</param>
public sealed class UpdateContext(int index)
{
    /// <summary>The update of the run, from 0.</summary>
    public int Index => index;

    /// <summary>The loss whose gradient the parameters have, a mean over the processes of the run; not a number where nobody says it.</summary>
    public double Loss { get; init; } = double.NaN;

    /// <summary>
    /// Asks for the step again: at these values of the parameters (null: as they are), on the samples of this draw (0: the step's own). How <see cref="Replay"/>,
    /// <see cref="Draw"/> and <see cref="HessianVector"/> are made; a test can give any function.
    /// </summary>
    public Func<IReadOnlyList<Tensor>?, int, StepGradient> Again { private get; init; } =
        static (_, draw) => throw new InvalidOperationException($"a step is asked for again only by an optimizer that requires '{(draw > 0 ? Capabilities.SecondDraw : Capabilities.Replay)}'");

    /// <summary>The step's own loss and gradient part by part, under the weights that the optimization asked for; null for an optimizer that does not require <c>reward-weights</c>. They belong to the host, for the time of the update.</summary>
    public StepParts? Parts { get; init; }

    /// <summary>Asks for the step again under other weights of rewards: weights, values, draw, and whether the objectives beside the algorithm are wanted. How <see cref="Weigh"/> is made.</summary>
    public Func<IReadOnlyDictionary<string, double>, IReadOnlyList<Tensor>?, int, bool, StepParts> Weighed { private get; init; } =
        static (_, _, _, _) => throw new InvalidOperationException($"a step is asked for under other weights only by an optimizer that requires '{Capabilities.RewardWeights}'");

    /// <summary>Takes what <see cref="Measure"/> is told.</summary>
    public Action<string, double> Measured { private get; init; } = static (_, _) => { };

    /// <summary>Tells what the optimizer found in this update, a radius or a rank for instance: it stands in the measurements of the step under the optimizer's name.</summary>
    /// <param name="name">Its name: metrics have <c>optimizer_name</c>.</param>
    /// <param name="value">The value, the same in every process of the run.</param>
    public void Measure(string name, double value) => Measured(name, value);

    /// <summary>
    /// Loss and gradient of the same step, prompts, noise and all other draws the same, at other weights. Requires <c>replay</c>. It costs what the step cost; the
    /// parameters and their gradients are afterwards what they were.
    /// </summary>
    /// <param name="values">One for each parameter, in order; null asks at the parameters as they are now.</param>
    public StepGradient Replay(IReadOnlyList<Tensor>? values = null) => Again(values, 0);

    /// <summary>Loss and gradient of an independent step. Requires <c>second-draw</c>. Costs and what is left behind as of <see cref="Replay"/>.</summary>
    /// <param name="draw">Which, from 1: another number has other prompts and noise, the same number of the same update the same.</param>
    /// <param name="values">One for each parameter, in order; null asks at the parameters as they are now.</param>
    public StepGradient Draw(int draw, IReadOnlyList<Tensor>? values = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(draw, 1);
        return Again(values, draw);
    }

    /// <summary>
    /// Loss and gradient of the step part by part, under other weights of the trained rewards. Requires <c>reward-weights</c>. Costs and what is left behind as of <see cref="Replay"/>.
    /// </summary>
    /// <param name="weights">By the names of rewards; one that is not named has weight 0 and no gradient.</param>
    /// <param name="values">One for each parameter, in order; null asks at the parameters as they are now.</param>
    /// <param name="draw">The samples: 0 for the step's own, others as of <see cref="Draw"/>.</param>
    /// <param name="objectives">Whether the objectives beside the algorithm are wanted, too.</param>
    public StepParts Weigh(IReadOnlyDictionary<string, double> weights, IReadOnlyList<Tensor>? values = null, int draw = 0, bool objectives = true)
    {
        ArgumentNullException.ThrowIfNull(weights);
        ArgumentOutOfRangeException.ThrowIfNegative(draw);
        return Weighed(weights, values, draw, objectives);
    }

    /// <summary>
    /// The Hessian of the step's loss times a direction, <c>H v ≈ (g(θ + ε v) − g(θ − ε v)) / 2ε</c> with <c>ε = reach · max(1, ‖θ‖) / ‖v‖</c>: two replays, no
    /// double backward, which recomputed blocks and fused attention lack. Requires <c>hessian-vector</c>. The error grows as reach² and, by the rounding of
    /// gradients, as 1/reach: gradients of bfloat16 networks need a larger one.
    /// </summary>
    /// <param name="at">θ, one tensor for each parameter.</param>
    /// <param name="direction">v, of the same shapes.</param>
    /// <param name="draw">The samples, 0 for the step's own; others require <c>second-draw</c>, too.</param>
    /// <param name="reach">How far from θ the gradients are taken.</param>
    /// <returns>One tensor for each parameter, in the scope of the caller; zeros where the direction is zero.</returns>
    public IReadOnlyList<Tensor> HessianVector(IReadOnlyList<Tensor> at, IReadOnlyList<Tensor> direction, int draw = 0, double reach = 1e-3)
    {
        ArgumentNullException.ThrowIfNull(at);
        ArgumentNullException.ThrowIfNull(direction);
        if (at.Count != direction.Count) throw new ArgumentException($"{direction.Count} directions were given for {at.Count} parameters", nameof(direction));
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(reach);
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var length = Norm(direction);
        if (length == 0) return [.. direction.Select(static tensor => zeros_like(tensor).MoveToOuterDisposeScope())];
        var epsilon = reach * Math.Max(1, Norm(at)) / length;
        var (ahead, behind) = (Moved(epsilon), Moved(-epsilon));
        return [.. direction.Select((tensor, i) => (Part(ahead, i, tensor) - Part(behind, i, tensor)).div(2 * epsilon).MoveToOuterDisposeScope())];

        StepGradient Moved(double by) => Again([.. at.Select((tensor, i) => tensor.detach() + (direction[i] * by))], draw);
    }

    private static Tensor Part(StepGradient gradient, int i, Tensor like) => gradient.Gradients[i] ?? zeros_like(like);

    private static double Norm(IReadOnlyList<Tensor> tensors) => Math.Sqrt(tensors.Sum(static tensor => tensor.detach().to(ScalarType.Float64).square().sum().item<double>()));
}

/// <summary>Loss and gradient of a step that was asked for again.</summary>
/// <param name="loss">The loss, a mean over the processes of the run. It need not be finite.</param>
/// <param name="gradients">One for each parameter, in order, in the scope of the caller; null where the loss does not depend on it. Nothing is clipped.</param>
public sealed class StepGradient(double loss, IReadOnlyList<Tensor?> gradients)
{
    /// <summary>The loss.</summary>
    public double Loss => loss;

    /// <summary>One for each parameter, in order; null where the loss does not depend on it.</summary>
    public IReadOnlyList<Tensor?> Gradients => gradients;
}
