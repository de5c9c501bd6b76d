using LeapAlign.Contracts.Weights;
using static TorchSharp.torch;

namespace LeapAlign.Contracts.Optimizers;

/// <summary>Changes parameters along their gradients. What it needs beside a gradient it requires as a capability (<see cref="Plugins.Capabilities"/>).</summary>
public interface IOptimizer
{
    /// <summary>
    /// Whether an update changes each parameter by its own values, gradient and state alone. Then the processes of a run may each keep the state of some of the parameters
    /// (<c>run.optimizerState</c>): an optimization is begun on these, and makes of them what one of all parameters would, to the bit.
    /// </summary>
    bool IsSeparable => false;

    /// <summary>How often an update makes the step, its own included: for plans, which count time by it. What an update asks for beside its gradient (<see cref="UpdateContext"/>) is as many further passes.</summary>
    /// <param name="parameters">What would be optimized.</param>
    StepPasses Passes(ParameterSet parameters) => StepPasses.Once;

    /// <summary>Begins to optimize a set of parameters; moments are made here.</summary>
    /// <param name="parameters">The parameters, with their roles.</param>
    /// <param name="rate">The learning rate in the place of the setting's, for parameters that an algorithm brings; null takes the setting's.</param>
    IOptimization Begin(ParameterSet parameters, double? rate = null);
}

/// <summary>An optimizer at work on a set of parameters.</summary>
public interface IOptimization : IDisposable
{
    /// <summary>Applies the gradients, which the host has accumulated, checked and, unless the optimizer chooses the length of its steps, clipped. Parameters without a gradient stay as they are.</summary>
    /// <param name="context">The update.</param>
    /// <returns>The learning rate that was used.</returns>
    double Update(UpdateContext context);
}

/// <summary>
/// An optimization that wants the gradient of each condition of a step alone, and requires <c>rows</c>. One backward is run for each as objectives come, so what is
/// held is one graph and what the optimization keeps.
/// </summary>
public interface IRowOptimization : IOptimization
{
    /// <summary>
    /// Takes the gradient of an objective, before the next one is made. A step that is left out is told to nobody: the row with index 0 begins a new update, whatever
    /// was taken before.
    /// </summary>
    /// <param name="row">The row.</param>
    void Take(GradientRow row);
}

/// <summary>The gradient of one objective of an update.</summary>
/// <param name="index">Its number in the update, from 0, over the processes of the run: all of them take the same rows.</param>
/// <param name="loss">The loss, without its share.</param>
/// <param name="share">The factor of the loss in the update: gradients times shares add up to the accumulated gradient. Objectives beside the algorithm's are rows, too, with their weight in the share.</param>
/// <param name="gradients">The gradient of the loss, one for each parameter; null where it does not depend on it. They belong to the host, for the time of the call.</param>
public sealed class GradientRow(int index, double loss, double share, IReadOnlyList<Tensor?> gradients)
{
    /// <summary>Its number in the update, from 0.</summary>
    public int Index => index;

    /// <summary>The loss, without its share.</summary>
    public double Loss => loss;

    /// <summary>The factor of the loss in the update.</summary>
    public double Share => share;

    /// <summary>One for each parameter; null where the loss does not depend on it.</summary>
    public IReadOnlyList<Tensor?> Gradients => gradients;
}

/// <summary>
/// An optimization that has steps made at other weights than those it changes, and requires <c>probe</c>: an extrapolation, for instance. Only the rollout of the
/// next step and its gradient are made there. The host puts the values in the place of the parameters and takes them away again before the update; evaluations, the
/// average, copies of the policy, checkpoints and exports see the parameters as the optimization left them.
/// </summary>
public interface IProbingOptimization : IOptimization
{
    /// <summary>Where the next step is made: one tensor for each parameter, in the scope of the caller, who copies them; null makes it at the parameters.</summary>
    IReadOnlyList<Tensor>? Probe();
}
