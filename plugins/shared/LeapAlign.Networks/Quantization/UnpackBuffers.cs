using static TorchSharp.torch;

namespace LeapAlign.Networks.Quantization;

/// <summary>
/// The memory that the weights of a network are unpacked into, one tensor for each shape: products come one after the other, and none keeps what it multiplied with. Threads that compute at
/// the same time have a tensor each.
/// </summary>
internal sealed class UnpackBuffers : IDisposable
{
    private readonly Lock _lock = new();
    private readonly Dictionary<(long Rows, long Columns, ScalarType Type), Stack<Tensor>> _free = [];

    /// <summary>Lends one until the lease is disposed.</summary>
    /// <param name="shape">[rows, columns].</param>
    /// <param name="columns">The columns that are used.</param>
    /// <param name="type">Its type.</param>
    /// <param name="device">Where it lies.</param>
    public Lease Rent((long Rows, long Columns) shape, long columns, ScalarType type, Device device)
    {
        var key = (shape.Rows, shape.Columns, type);
        lock (_lock)
        {
            if (!_free.TryGetValue(key, out var free)) _free.Add(key, free = new Stack<Tensor>());
            if (!free.TryPop(out var whole)) whole = empty([shape.Rows, shape.Columns], dtype: type, device: device).DetachFromDisposeScope();
            return new Lease(this, free, whole, columns);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_lock)
        {
            foreach (var tensor in _free.Values.SelectMany(static free => free)) tensor.Dispose();
            _free.Clear();
        }
    }

    /// <summary>A buffer in use.</summary>
    public sealed class Lease(UnpackBuffers owner, Stack<Tensor> free, Tensor whole, long columns) : IDisposable
    {
        /// <summary>All of it.</summary>
        public Tensor Whole => whole;

        /// <summary>The columns that are used.</summary>
        public Tensor Weight { get; } = whole.narrow(1, 0, columns);

        /// <inheritdoc/>
        public void Dispose()
        {
            Weight.Dispose();
            lock (owner._lock) free.Push(whole);
        }
    }
}
