using LeapAlign.Contracts.Models;
using static TorchSharp.torch;

namespace LeapAlign.Contracts.Planning;

/// <summary>
/// A model that names pieces of its work, so that time and memory of a step can be told from running each of them once. Of a model that does not, the host runs whole
/// evaluations.
/// </summary>
public interface IPlannedModel
{
    /// <summary>The numbers that are trained where all weights of the model are: they cost masters, gradients, and what the optimizer keeps.</summary>
    long TrainableNumbers { get; }

    /// <summary>What a setting can move between the device and the memory of the machine: for plans of devices that are not here.</summary>
    IReadOnlyList<PlacedWeights> Placed => [];

    /// <summary>The pieces of one evaluation of the velocity without guidance, and of one decoding.</summary>
    /// <param name="size">The size of the pictures.</param>
    /// <param name="samples">B.</param>
    IReadOnlyList<WorkPiece> Work(ImageSize size, int samples);
}

/// <summary>Weights that are not trained, and where they lie.</summary>
/// <param name="Setting">The setting of the model that says it, <c>placement.decoder</c> for instance; its value is <see cref="Plugins.PlacedPart.Host"/> for the memory of the machine.</param>
/// <param name="Bytes">What they take.</param>
/// <param name="OnDevice">Whether they take it from the memory of the device of the run.</param>
/// <param name="InEvaluations">Whether each evaluation of the velocity needs them: from the memory of the machine they come anew each time.</param>
public sealed record PlacedWeights(string Setting, double Bytes, bool OnDevice, bool InEvaluations);

/// <summary>What a piece of work is a part of.</summary>
public enum WorkStage
{
    /// <summary>An evaluation of the velocity.</summary>
    Velocity,

    /// <summary>A decoding of latents.</summary>
    Decode,
}

/// <summary>A piece of work that stands for others like it: a block of a network, a smaller picture.</summary>
/// <param name="Name">What it is, for tables.</param>
/// <param name="Stage">What it is a part of.</param>
/// <param name="Inputs">Makes what comes in, of any values: tensors in the scope of the caller.</param>
/// <param name="Compute">Does the work as a step does it: what it keeps for a backward where gradients are enabled is what a step keeps.</param>
public sealed record WorkPiece(string Name, WorkStage Stage, Func<IReadOnlyList<Tensor>> Inputs, Func<IReadOnlyList<Tensor>, IReadOnlyList<Tensor>> Compute)
{
    /// <summary>How many of the inputs, from the first, a step differentiates with respect to.</summary>
    public int Differentiated { get; init; } = 1;

    /// <summary>
    /// How many calls of <see cref="Compute"/> go through different weights before the first come again: the same weights over and over would be found in the processor's
    /// caches, as they are not in a step. All of them are called once before anything is measured.
    /// </summary>
    public int Variants { get; init; } = 1;

    /// <summary>How many like it there are in the stage, one after the other: time and what is kept for a backward add up, what is needed for a moment does not.</summary>
    public double Times { get; init; } = 1;

    /// <summary>How many times as large the work of a step is: time and all memory are as many times what is measured.</summary>
    public double Scale { get; init; } = 1;
}
