using LeapAlign.Pipeline;

namespace LeapAlign.Host.Checkpoints;

/// <summary>Writes while the next step computes, one thing at a time: who comes while another is being written waits.</summary>
internal sealed class BackgroundWriter : IDisposable
{
    private Task<Result<Unit>>? _writing;

    /// <summary>Whether something is being written at this moment.</summary>
    public bool IsWriting => _writing is { IsCompleted: false };

    /// <summary>Waits for what is being written.</summary>
    /// <returns>Its fault.</returns>
    public Result<Unit> Wait()
    {
        var writing = _writing;
        _writing = null;
        return writing is null ? Unit.Value : writing.GetAwaiter().GetResult();
    }

    /// <summary>Begins to write.</summary>
    /// <exception cref="InvalidOperationException">Something is being written: wait for it first.</exception>
    public void Begin(Func<Result<Unit>> write)
    {
        if (_writing is not null) throw new InvalidOperationException("one thing is written at a time");
        _writing = Task.Factory.StartNew(write, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    /// <summary>Waits; a fault that nobody asked for is lost.</summary>
    public void Dispose() => Wait();
}
