using LeapAlign.Contracts.Weights;

namespace LeapAlign.Contracts.Optimizers;

/// <summary>Changes parameters along their gradients. What it needs beside a gradient it requires as a capability (<see cref="Plugins.Capabilities"/>).</summary>
public interface IOptimizer
{
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
