using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;
using LeapAlign.Contracts.Ranks;
using static TorchSharp.torch;

namespace LeapAlign.Testing;

/// <summary>Processes that are threads of this one: they exchange what processes would, without a library.</summary>
public sealed class ThreadedRanks : IDisposable
{
    private readonly Barrier _barrier;
    private readonly Tensor[] _given;
    private readonly BlockingCollection<Tensor>[,] _letters;
    private readonly CancellationTokenSource _ended = new();

    private ThreadedRanks(int world)
    {
        (_barrier, _given, _letters) = (new Barrier(world), new Tensor[world], new BlockingCollection<Tensor>[world, world]);
        for (var from = 0; from < world; from++)
        {
            for (var to = 0; to < world; to++) _letters[from, to] = [];
        }
    }

    /// <summary>What was aborted with; null when nothing was.</summary>
    public int? Aborted { get; private set; }

    /// <summary>Runs as many ranks, each on a thread of its own.</summary>
    /// <typeparam name="T">What each of them makes.</typeparam>
    /// <param name="world">Their number.</param>
    /// <param name="body">What each does.</param>
    /// <returns>By rank.</returns>
    public static T[] Run<T>(int world, Func<ICommunicator, T> body)
    {
        using var ranks = new ThreadedRanks(world);
        var made = new T[world];
        var thrown = new Exception?[world];
        Thread[] threads = [.. Enumerable.Range(0, world).Select(rank => new Thread(() =>
        {
            try
            {
                made[rank] = body(new Member(ranks, rank, world));
            }
            catch (Exception exception)
            {
                thrown[rank] = exception;
                ranks._ended.Cancel();
            }
        }))];
        foreach (var thread in threads) thread.Start();
        foreach (var thread in threads) thread.Join();
        // The one that came first, not those that it left waiting.
        if ((thrown.FirstOrDefault(static each => each is not null and not OperationCanceledException) ?? thrown.FirstOrDefault(static each => each is not null)) is { } first) ExceptionDispatchInfo.Throw(first);
        return made;
    }

    public void Dispose()
    {
        _barrier.Dispose();
        foreach (var letters in _letters) letters.Dispose();
        _ended.Dispose();
    }

    private void Meet() => _barrier.SignalAndWait(_ended.Token);

    private sealed class Member(ThreadedRanks all, int rank, int world) : ICommunicator
    {
        public string Description => "threads";

        public int Rank => rank;

        public int World => world;

        public int LocalRank => rank;

        public int LocalWorld => world;

        public void Exchange(Tensor from, Tensor into) => Take(from, () =>
        {
            for (var other = 0; other < world; other++) Copy(all._given[other][rank], into[other]);
        });

        public void Gather(Tensor from, Tensor into) => Take(from, () =>
        {
            for (var other = 0; other < world; other++) Copy(all._given[other], into[other]);
        });

        public void Broadcast(Tensor tensor, int root) => Take(tensor, () =>
        {
            if (rank != root) Copy(all._given[root], tensor);
        });

        public void Swap(int other, Tensor from, Tensor into)
        {
            ArgumentOutOfRangeException.ThrowIfEqual(other, rank);
            all._letters[rank, other].Add(from.clone().DetachFromDisposeScope());
            using var letter = all._letters[other, rank].Take(all._ended.Token);
            Copy(letter, into);
        }

        public void Abort(int exitCode)
        {
            all.Aborted = exitCode;
            all._ended.Cancel();
        }

        private void Take(Tensor given, Action copy)
        {
            using var scope = NewDisposeScope();
            all._given[rank] = given;
            all.Meet();
            copy();
            // Nobody changes what another still reads.
            all.Meet();
        }

        private static void Copy(Tensor from, Tensor into)
        {
            using var _ = no_grad();
            into.copy_(from);
        }
    }
}
