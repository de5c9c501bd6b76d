using LeapAlign.Contracts.Weights;
using static TorchSharp.torch;

namespace LeapAlign.Contracts.Objectives;

/// <summary>Gradients of both players of a run: of what is trained, and of the parameters that its algorithm brings (<see cref="Algorithms.IAlgorithm.Parameters"/>). Each is what its own player descends.</summary>
/// <param name="trained">One for each trained parameter, in order; null where the loss does not depend on it.</param>
/// <param name="own">One for each parameter of the algorithm's own.</param>
public sealed class PlayerGradients(IReadOnlyList<Tensor?> trained, IReadOnlyList<Tensor?> own)
{
    /// <summary>One for each trained parameter, in order.</summary>
    public IReadOnlyList<Tensor?> Trained => trained;

    /// <summary>One for each parameter of the algorithm's own, in order.</summary>
    public IReadOnlyList<Tensor?> Own => own;
}

/// <summary>The gradients of an update as a function of the weights: what an objective of gradients is given.</summary>
/// <param name="trained">What is trained.</param>
/// <param name="own">The algorithm's own parameters.</param>
/// <param name="here">The gradients of the update at the weights as they are. They belong to the host.</param>
public sealed class GradientField(ParameterSet trained, ParameterSet own, PlayerGradients here)
{
    /// <summary>What is trained.</summary>
    public ParameterSet Trained => trained;

    /// <summary>The algorithm's own parameters.</summary>
    public ParameterSet Own => own;

    /// <summary>The gradients of the update at the weights as they are, for the time of the call.</summary>
    public PlayerGradients Here => here;

    /// <summary>How <see cref="At"/> is made: values of what is trained and of the algorithm's own (null: as they are), and the draw. A test can give any function.</summary>
    public Func<IReadOnlyList<Tensor>?, IReadOnlyList<Tensor>?, int, PlayerGradients> Elsewhere { private get; init; } =
        static (_, _, _) => throw new InvalidOperationException("gradients elsewhere are not known here");

    /// <summary>Takes what <see cref="Measure"/> is told.</summary>
    public Action<string, double> Measured { private get; init; } = static (_, _) => { };

    /// <summary>
    /// The gradients of the same step at other weights, or on other samples, without those of objectives of gradients. It costs what the step cost; weights and gradients are afterwards what they were.
    /// </summary>
    /// <param name="trainedValues">One for each trained parameter, in order; null for those as they are.</param>
    /// <param name="ownValues">One for each parameter of the algorithm's own; null for those as they are.</param>
    /// <param name="draw">0 for the step's own samples; another number has other prompts and noise, and requires <c>second-draw</c>.</param>
    /// <returns>In the scope of the caller.</returns>
    public PlayerGradients At(IReadOnlyList<Tensor>? trainedValues, IReadOnlyList<Tensor>? ownValues, int draw = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(draw);
        return Elsewhere(trainedValues, ownValues, draw);
    }

    /// <summary>Tells what the objective found in this update: it stands in the measurements of the step under the objective's name.</summary>
    /// <param name="name">Its name: metrics have <c>objective_name</c>.</param>
    /// <param name="value">The value, the same in every process of the run.</param>
    public void Measure(string name, double value) => Measured(name, value);
}
