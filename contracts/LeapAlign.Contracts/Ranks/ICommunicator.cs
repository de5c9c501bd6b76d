using static TorchSharp.torch;

namespace LeapAlign.Contracts.Ranks;

/// <summary>
/// The processes of a run, which call each method in the same order. A part of kind <c>collective</c>; without one a run is one process
/// (<see cref="OneProcess"/>).
/// </summary>
public interface ICommunicator
{
    /// <summary>This process, 0 ≤ Rank &lt; World. Rank 0 writes files.</summary>
    int Rank { get; }

    /// <summary>The number of processes.</summary>
    int World { get; }

    /// <summary>Replaces each tensor by its sum over all processes, in place.</summary>
    /// <param name="tensors">The same shapes and types everywhere.</param>
    void Sum(IReadOnlyList<Tensor> tensors);

    /// <summary>The tensors of all processes, by rank.</summary>
    /// <param name="tensor">The same type and dimensions but the first everywhere.</param>
    /// <returns>World tensors, which belong to the scope of the caller.</returns>
    IReadOnlyList<Tensor> Gather(Tensor tensor);

    /// <summary>Replaces each tensor by that of rank 0, in place.</summary>
    void Broadcast(IReadOnlyList<Tensor> tensors);

    /// <summary>Waits for all processes.</summary>
    void Barrier();
}

/// <summary>A run of one process.</summary>
public sealed class OneProcess : ICommunicator
{
    private OneProcess()
    {
    }

    /// <summary>The communicator.</summary>
    public static ICommunicator Instance { get; } = new OneProcess();

    /// <inheritdoc/>
    public int Rank => 0;

    /// <inheritdoc/>
    public int World => 1;

    /// <inheritdoc/>
    public void Sum(IReadOnlyList<Tensor> tensors)
    {
    }

    /// <inheritdoc/>
    public IReadOnlyList<Tensor> Gather(Tensor tensor)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        return [tensor.alias()];
    }

    /// <inheritdoc/>
    public void Broadcast(IReadOnlyList<Tensor> tensors)
    {
    }

    /// <inheritdoc/>
    public void Barrier()
    {
    }
}
