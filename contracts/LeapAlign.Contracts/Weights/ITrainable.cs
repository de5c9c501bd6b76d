namespace LeapAlign.Contracts.Weights;

/// <summary>What a run trains: the weights of a model, or those of an adapter that is attached to it.</summary>
public interface ITrainable
{
    /// <summary>The trained tensors; none where the model is frozen.</summary>
    ParameterSet Parameters { get; }

    /// <summary>Takes changed <see cref="Parameters"/> over into the network. Called after every update.</summary>
    void Refresh();

    /// <summary>
    /// Computes with the values of a policy until the returned object is disposed, then with what was used before: uses nest. What the network derives from the
    /// values it makes once (<see cref="Policy.Derived"/>).
    /// </summary>
    /// <param name="policy">One value for each of <see cref="Parameters"/>.</param>
    IDisposable Use(Policy policy);

    /// <summary>
    /// Computes as before training until the returned object is disposed, where that takes no copy of the weights: an adapter is switched off. Null where a copy
    /// is needed.
    /// </summary>
    IDisposable? UseReference() => null;
}
