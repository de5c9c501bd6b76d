using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;
using static TorchSharp.torch;

namespace LeapAlign.Contracts.Algorithms;

/// <summary>
/// What code that autograd calls during a backward leaves to whoever runs the backward. An exception there would end the process, since native code lies between;
/// and on autograd's own threads, those of a GPU, there is no dispose scope that frees what it returns. The kernel opens one for each step.
/// </summary>
public sealed class GraphCalls : IDisposable
{
    [ThreadStatic]
    private static GraphCalls? t_current;

    private readonly GraphCalls? _outer = t_current;
    private readonly ConcurrentDictionary<int, IReadOnlyList<Tensor>> _returned = [];
    private ExceptionDispatchInfo? _failure;

    /// <summary>Opens one for the graphs that this thread builds from now on, until it is disposed.</summary>
    public GraphCalls() => t_current = this;

    /// <summary>
    /// That of the thread, which builds a graph; null where nobody opened one. A node of the graph remembers it, since its backward may run on another thread.
    /// </summary>
    public static GraphCalls? Current => t_current;

    /// <summary>Is called when a call has returned, on its thread, with what it computed freed but for its gradients; null for nobody.</summary>
    public Action? Returned { get; init; }

    /// <summary>A call threw. Its node answers without gradients then; the first exception comes out of <see cref="Complete"/>.</summary>
    public void Fail(Exception exception) => Interlocked.CompareExchange(ref _failure, ExceptionDispatchInfo.Capture(exception), null);

    /// <summary>
    /// A call returns these handles to autograd, which takes references of its own before it makes another call on the same thread: the handles of the one before are
    /// disposed now, the last ones by <see cref="Complete"/>.
    /// </summary>
    public void Return(IReadOnlyList<Tensor> handles)
    {
        Dispose(_returned.GetValueOrDefault(Environment.CurrentManagedThreadId));
        _returned[Environment.CurrentManagedThreadId] = handles;
        Returned?.Invoke();
    }

    /// <summary>A backward has returned: frees what its calls left, and throws what the first of them that failed threw.</summary>
    public void Complete()
    {
        Free();
        Interlocked.Exchange(ref _failure, null)?.Throw();
    }

    /// <summary>Frees what is left; the thread's graphs belong to the one that was open before.</summary>
    public void Dispose()
    {
        Free();
        t_current = _outer;
    }

    private void Free()
    {
        foreach (var handles in _returned.Values) Dispose(handles);
        _returned.Clear();
    }

    private static void Dispose(IReadOnlyList<Tensor>? handles)
    {
        foreach (var handle in handles ?? []) handle.Dispose();
    }
}
