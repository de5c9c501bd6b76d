using static TorchSharp.torch;

namespace LeapAlign.Contracts.Ranks;

/// <summary>
/// The processes of a run: it moves bytes between them. All of them call each method in the same order, <see cref="Swap"/> apart, which is between two of them. It adds nothing up: the host does, in an order that does not
/// depend on the number of processes, so that every communicator gives the same bits. A part of kind <c>collective</c>; without one a run is one process
/// (<see cref="OneProcess"/>). One that holds resources also implements <see cref="IDisposable"/>; disposing it waits for the other processes.
/// </summary>
public interface ICommunicator
{
    /// <summary>What carries the bytes, for logs and run.json: the name and the version of a library.</summary>
    string Description { get; }

    /// <summary>This process, 0 ≤ Rank &lt; World. Rank 0 writes files.</summary>
    int Rank { get; }

    /// <summary>The number of processes.</summary>
    int World { get; }

    /// <summary>This process among those of its machine, from 0.</summary>
    int LocalRank { get; }

    /// <summary>The number of processes on this machine.</summary>
    int LocalWorld { get; }

    /// <summary>Sends a piece to each process and takes one from each.</summary>
    /// <param name="from">[World, ...], contiguous: row r goes to process r.</param>
    /// <param name="into">The same shape and type, contiguous: row r comes from process r. It shares no memory with <paramref name="from"/>.</param>
    void Exchange(Tensor from, Tensor into);

    /// <summary>Gives every process the tensors of all.</summary>
    /// <param name="from">[...], contiguous, of the same shape and type everywhere.</param>
    /// <param name="into">[World, ...], contiguous: row r comes from process r.</param>
    void Gather(Tensor from, Tensor into);

    /// <summary>Gives every process the tensor of one.</summary>
    /// <param name="tensor">Contiguous, of the same shape and type everywhere; overwritten in all processes but that one.</param>
    /// <param name="root">The process.</param>
    void Broadcast(Tensor tensor, int root);

    /// <summary>Sends a tensor to one process and takes one from it; no other process takes part. That one calls it at the same time, with this process as its other.</summary>
    /// <param name="other">The other process; never this one.</param>
    /// <param name="from">Contiguous.</param>
    /// <param name="into">The same shape and type, contiguous. It shares no memory with <paramref name="from"/>.</param>
    void Swap(int other, Tensor from, Tensor into);

    /// <summary>Ends all processes, this one included, without waiting for any. Any thread may call it, also while another one waits in a method above.</summary>
    /// <param name="exitCode">The exit code.</param>
    void Abort(int exitCode);
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
    public string Description => "one process";

    /// <inheritdoc/>
    public int Rank => 0;

    /// <inheritdoc/>
    public int World => 1;

    /// <inheritdoc/>
    public int LocalRank => 0;

    /// <inheritdoc/>
    public int LocalWorld => 1;

    /// <inheritdoc/>
    public void Exchange(Tensor from, Tensor into) => Copy(from, into);

    /// <inheritdoc/>
    public void Gather(Tensor from, Tensor into)
    {
        ArgumentNullException.ThrowIfNull(from);
        using var row = from.unsqueeze(0);
        Copy(row, into);
    }

    /// <inheritdoc/>
    public void Broadcast(Tensor tensor, int root)
    {
    }

    /// <inheritdoc/>
    public void Swap(int other, Tensor from, Tensor into) => throw new InvalidOperationException("there is no other process");

    /// <inheritdoc/>
    public void Abort(int exitCode) => Environment.Exit(exitCode);

    private static void Copy(Tensor from, Tensor into)
    {
        ArgumentNullException.ThrowIfNull(into);
        using var _ = no_grad();
        into.copy_(from);
    }
}
