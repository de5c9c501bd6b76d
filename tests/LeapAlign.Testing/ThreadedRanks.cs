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
    private readonly int[] _groups;
    private readonly ThreadedRanks?[] _parts;
    private readonly ConcurrentDictionary<(int From, int To), BlockingCollection<Tensor>> _messages = [];
    private readonly CancellationTokenSource _ended;

    private ThreadedRanks(int world, CancellationTokenSource? ended = null) =>
        (_barrier, _given, _groups, _parts, _ended) = (new Barrier(world), new Tensor[world], new int[world], new ThreadedRanks?[world], ended ?? new());

    /// <summary>What was aborted with; null when nothing was.</summary>
    public int? Aborted { get; private set; }

    /// <summary>Runs as many ranks, each on a thread of its own.</summary>
    /// <typeparam name="T">What each of them makes.</typeparam>
    /// <param name="world">Their number.</param>
    /// <param name="body">What each does.</param>
    /// <returns>By rank.</returns>
    public static T[] Run<T>(int world, Func<IPeerCommunicator, T> body)
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
        foreach (var part in _parts.OfType<ThreadedRanks>().Distinct()) part._barrier.Dispose();
        _barrier.Dispose();
        _ended.Dispose();
    }

    private void Meet() => _barrier.SignalAndWait(_ended.Token);

    private BlockingCollection<Tensor> Messages(int from, int to) => _messages.GetOrAdd((from, to), static _ => []);

    private sealed class Member(ThreadedRanks all, int rank, int world) : IPeerCommunicator
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

        public IPeerCommunicator Split(int group)
        {
            all._groups[rank] = group;
            all.Meet();
            int[] members = [.. Enumerable.Range(0, world).Where(other => all._groups[other] == group)];
            if (members[0] == rank)
            {
                var part = new ThreadedRanks(members.Length, all._ended);
                foreach (var member in members) all._parts[member] = part;
            }
            all.Meet();
            return new Member(all._parts[rank]!, Array.IndexOf(members, rank), members.Length);
        }

        public void Send(Tensor tensor, int to) => all.Messages(rank, to).Add(tensor.detach().clone().DetachFromDisposeScope());

        public void Receive(Tensor tensor, int from)
        {
            using var sent = all.Messages(from, rank).Take(all._ended.Token);
            if (!sent.shape.SequenceEqual(tensor.shape) || sent.dtype != tensor.dtype) throw new InvalidOperationException($"[{string.Join(", ", sent.shape)}] of {sent.dtype} was sent, [{string.Join(", ", tensor.shape)}] of {tensor.dtype} is expected");
            Copy(sent, tensor);
        }

        public bool HasMessage(int from)
        {
            all._ended.Token.ThrowIfCancellationRequested();
            return all.Messages(from, rank).Count > 0;
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
