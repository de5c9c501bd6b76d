using LeapAlign.Host.Runs.Folders;

namespace LeapAlign.Host.Live;

/// <summary>
/// A run that pages look at; it may not have begun. Its files are read when somebody asks, at most once a second for all who do, and less often when that takes long:
/// a run of many steps is not to be slowed down by those who watch it.
/// </summary>
internal sealed class WatchedRun(TimeProvider time)
{
    /// <summary>The least time between two looks at the files.</summary>
    public static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    // Looking rests so many times as long as it took.
    private const int Rests = 10;

    private readonly Lock _gate = new();
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Func<WatchedFolder>? _open;
    private WatchedFolder? _folder;
    private LiveState _state = LiveState.Waiting;
    private TimeSpan _spent;
    private long _looked;
    private bool _urgent;

    /// <summary>A run of another process.</summary>
    public static WatchedRun Of(RunFolder folder, TimeProvider time) => new(time) { _open = () => new WatchedFolder(folder, null) };

    /// <summary>Completes when the run has ended and nothing more will come.</summary>
    public Task Ended => _ended.Task;

    /// <summary>Says that the run of this process has a folder. Waits for nobody.</summary>
    public void Begin(RunFolder folder)
    {
        var began = time.GetUtcNow();
        Volatile.Write(ref _open, () => new WatchedFolder(folder, began));
    }

    /// <summary>Says that it has ended. Waits for nobody.</summary>
    public void End()
    {
        Volatile.Write(ref _urgent, true);
        _ended.TrySetResult();
    }

    /// <summary>How far it is.</summary>
    public LiveState Look()
    {
        lock (_gate)
        {
            if (Volatile.Read(ref _open) is not { } open) return LiveState.Waiting;
            var urgent = Interlocked.Exchange(ref _urgent, false);
            if (_folder is not null && !urgent && !Rested()) return _state;
            _looked = time.GetTimestamp();
            _folder ??= open();
            _state = _folder.State(_folder.Refresh() ? _state.Revision + 1 : _state.Revision, time.GetUtcNow());
            _spent = time.GetElapsedTime(_looked);
            return _state;
        }
    }

    /// <summary>What a page draws itself from.</summary>
    /// <param name="pictures">The pictures that it has.</param>
    public LiveData Data(string pictures)
    {
        lock (_gate)
        {
            var state = Look();
            if (_folder is null) return new LiveData(state, "", null, null);
            var before = time.GetTimestamp();
            var data = _folder.Data(state, pictures);
            _spent += time.GetElapsedTime(before);
            return data;
        }
    }

    /// <summary>Forgets what was read: nobody looks any more.</summary>
    public void Forget()
    {
        lock (_gate) _folder = null;
    }

    private bool Rested()
    {
        var rest = Rests * _spent;
        return time.GetElapsedTime(_looked) >= (rest > Pause ? rest : Pause);
    }
}
