using System.Runtime.InteropServices;
using LeapAlign.Contracts.Ranks;
using static TorchSharp.torch;

namespace LeapAlign.Collectives.Mpi;

/// <summary>A process that no launcher started. It loads no library, unless somebody asks which there would be.</summary>
internal sealed class OneOfMpi : ICommunicator
{
    /// <inheritdoc/>
    public string Description
    {
        get
        {
            string[] there = [.. MpiLibrary.Known.Where(static file => NativeLibrary.TryLoad(file, out _))];
            return $"one process; {(there.Length > 0 ? $"a launcher would be joined through {string.Join(" or ", there)}" : $"no MPI library is installed ({string.Join(", ", MpiLibrary.Known)})")}";
        }
    }

    /// <inheritdoc/>
    public int Rank => 0;

    /// <inheritdoc/>
    public int World => 1;

    /// <inheritdoc/>
    public int LocalRank => 0;

    /// <inheritdoc/>
    public int LocalWorld => 1;

    /// <inheritdoc/>
    public void Exchange(Tensor from, Tensor into) => OneProcess.Instance.Exchange(from, into);

    /// <inheritdoc/>
    public void Gather(Tensor from, Tensor into) => OneProcess.Instance.Gather(from, into);

    /// <inheritdoc/>
    public void Broadcast(Tensor tensor, int root)
    {
    }

    /// <inheritdoc/>
    public void Swap(int other, Tensor from, Tensor into) => OneProcess.Instance.Swap(other, from, into);

    /// <inheritdoc/>
    public void Abort(int exitCode) => OneProcess.Instance.Abort(exitCode);
}
