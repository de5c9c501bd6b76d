using LeapAlign.Contracts.Randomness;
using LeapAlign.Contracts.Weights;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Contracts.Adapters;

/// <summary>
/// Trains a few parameters beside frozen weights. The model offers sites; the adapter attaches functions to those that it wants and owns their parameters.
/// </summary>
public interface IAdapter
{
    /// <summary>Attaches to a model, before the first step. The adapted model computes what the model alone did, unless the adapter goes on from a file.</summary>
    /// <param name="sites">Every site that the model offers.</param>
    /// <param name="random">The key of the initial values.</param>
    /// <returns>A fault when a target matches no site, or a file does not fit.</returns>
    Result<IAttachedAdapter> Attach(IReadOnlyList<AdapterSite> sites, RandomKey random);
}

/// <summary>An adapter at work. Disposing it detaches it and frees its parameters.</summary>
public interface IAttachedAdapter : ITrainable, IDisposable
{
    /// <summary>The sites that it is attached to.</summary>
    IReadOnlyList<AdapterSite> Bound { get; }

    /// <summary>The parameters of a site, for messages and checks.</summary>
    /// <param name="site">One of <see cref="Bound"/>.</param>
    IReadOnlyList<Parameter> ParametersOf(AdapterSite site);

    /// <summary>
    /// Computes with the model alone until the returned object is disposed. That is what training started from, unless the adapter went on from a file
    /// (<see cref="ITrainable.UseReference"/>).
    /// </summary>
    IDisposable SwitchOff();

    /// <summary>What the adapter adds to the weight of a site, for merged exports.</summary>
    /// <param name="site">One of <see cref="Bound"/>.</param>
    /// <param name="values">One tensor for each of the parameters, in order.</param>
    /// <returns>[out, in], fp32.</returns>
    Tensor UpdateOf(AdapterSite site, IReadOnlyList<Tensor> values);

    /// <summary>The bytes that <see cref="Write"/> takes on the disk.</summary>
    long Bytes { get; }

    /// <summary>Writes the adapter's files, in a form that other programs read.</summary>
    /// <param name="folder">Written whole or not at all; one that is there is replaced.</param>
    /// <param name="values">One tensor for each of the parameters, in order.</param>
    Result<Unit> Write(string folder, IReadOnlyList<Tensor> values);

    /// <summary>Reads what <see cref="Write"/> wrote, for a check of it.</summary>
    /// <param name="folder">The folder.</param>
    /// <returns>One tensor for each of the parameters, in order; the caller disposes them.</returns>
    Result<IReadOnlyList<Tensor>> Read(string folder);
}
