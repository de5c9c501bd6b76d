using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;

namespace LeapAlign.Host.Live;

/// <summary>What pages are told while they are open.</summary>
internal sealed class LiveEvents(WatchedRun run, TimeProvider time)
{
    /// <summary>A file of the run has changed; with how far the run is, a <see cref="LiveState"/>.</summary>
    public const string Changed = "changed";

    /// <summary>The run has ended, and soon the server; with all that there is to show, a <see cref="LiveData"/>.</summary>
    public const string End = "end";

    private int _open;

    /// <summary>Tells how far the run is, again whenever that has changed, and what is there at its end.</summary>
    /// <param name="stop">The page was closed.</param>
    public async IAsyncEnumerable<SseItem<string>> Follow([EnumeratorCancellation] CancellationToken stop)
    {
        Interlocked.Increment(ref _open);
        try
        {
            for (long? told = null; !stop.IsCancellationRequested;)
            {
                var last = run.Ended.IsCompleted;
                var state = run.Look();
                if (state.Revision != told) yield return new SseItem<string>(state.ToJson(), Changed);
                told = state.Revision;
                if (last)
                {
                    yield return new SseItem<string>(run.Data("").ToJson(), End);
                    yield break;
                }
                await Task.WhenAny(Task.Delay(WatchedRun.Pause, time, stop), run.Ended);
            }
        }
        finally
        {
            if (Interlocked.Decrement(ref _open) == 0) run.Forget();
        }
    }
}
