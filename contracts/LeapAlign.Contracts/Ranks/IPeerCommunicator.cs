using static TorchSharp.torch;

namespace LeapAlign.Contracts.Ranks;

/// <summary>
/// A communicator that also carries a message from one process to another, and can be parted: what processes need that do not do the same, as one that scores for others. Without it
/// <c>run.scorers</c> is refused.
/// </summary>
public interface IPeerCommunicator : ICommunicator
{
    /// <summary>Parts the processes: those that say the same number are a communicator of their own, in the order of their ranks. All processes call it.</summary>
    /// <param name="group">The number of the group, ≥ 0.</param>
    /// <returns>The group of this process. It lives as long as this communicator; aborting it ends all processes of all groups.</returns>
    IPeerCommunicator Split(int group);

    /// <summary>Sends a message. It may return before the message is received, and may wait until it is: messages of a few hundred bytes do not wait.</summary>
    /// <param name="tensor">Contiguous.</param>
    /// <param name="to">The other process.</param>
    void Send(Tensor tensor, int to);

    /// <summary>Receives a message; waits for one. Messages of one process come in the order in which they were sent.</summary>
    /// <param name="tensor">Contiguous, of the shape and type of what was sent; overwritten.</param>
    /// <param name="from">The other process.</param>
    void Receive(Tensor tensor, int from);

    /// <summary>Sends a message to a process that does the same at the same time, and receives its.</summary>
    /// <param name="other">The other process; never this one.</param>
    /// <param name="from">Contiguous.</param>
    /// <param name="into">The same shape and type, contiguous. It shares no memory with <paramref name="from"/>.</param>
    // One sends while the other receives: two that send at once may both wait for a receiver.
    void Swap(int other, Tensor from, Tensor into)
    {
        if (Rank < other)
        {
            Send(from, other);
            Receive(into, other);
        }
        else
        {
            Receive(into, other);
            Send(from, other);
        }
    }

    /// <summary>Whether a message of a process is there to be received, or on its way.</summary>
    /// <param name="from">The other process.</param>
    bool HasMessage(int from);
}
