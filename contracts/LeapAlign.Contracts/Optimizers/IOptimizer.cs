using LeapAlign.Contracts.Models;

namespace LeapAlign.Contracts.Optimizers;

/// <summary>Changes weights along their gradients.</summary>
public interface IOptimizer
{
    /// <summary>Begins to optimize these weights; their moments are made here.</summary>
    IOptimization Begin(IReadOnlyList<NamedTensor> parameters);
}

/// <summary>An optimizer at work on a set of weights.</summary>
public interface IOptimization : IDisposable
{
    /// <summary>Applies the gradients, which the host has accumulated, checked and clipped. Weights without a gradient stay as they are.</summary>
    /// <param name="index">The update of the run, from 0; learning-rate schedules are functions of it. Most algorithms update once a step.</param>
    /// <returns>The learning rate that was used.</returns>
    double Update(int index);
}
