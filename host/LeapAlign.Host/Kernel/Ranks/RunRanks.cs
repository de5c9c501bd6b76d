using LeapAlign.Contracts.Ranks;
using LeapAlign.Host.Kernel.Stages;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Host.Kernel.Ranks;

/// <summary>
/// What the processes of a run do together. Before anything is exchanged they tell each other what they are about to do, so that a fault in one of them reaches all at the
/// next meeting, and processes whose ways have parted find out instead of waiting for ever. With one process nothing is computed or copied.
/// </summary>
/// <param name="communicator">Moves the bytes.</param>
internal sealed class RunRanks(ICommunicator communicator)
{
    /// <summary>Elements of one exchange: large enough for the bandwidth, small beside the gradients of a model (docs/ranks.md).</summary>
    public const long BucketElements = 4 << 20;

    private volatile string _at = "";
    private Fault? _fault;
    private bool _interrupted;

    /// <summary>A run of one process.</summary>
    public static RunRanks Alone => new(OneProcess.Instance);

    /// <summary>What the processes met for last, or wait for. Any thread may ask.</summary>
    public string At { get => _at; private set => _at = value; }

    /// <summary>Where waiting for others is a stage; null before there is a loop.</summary>
    public OpenStages? Stages { get; set; }

    /// <summary>Whether there is one process.</summary>
    public bool IsAlone => communicator.World == 1;

    public int Rank => communicator.Rank;

    public int World => communicator.World;

    public ICommunicator Communicator => communicator;

    /// <summary>Whether another process was asked to stop where it could not finish its step.</summary>
    public bool WasInterrupted => _interrupted;

    /// <summary>The warnings of this process; null where nobody keeps any.</summary>
    public IRankWarnings? Warnings { get; set; }

    /// <summary>Brings the new warnings of all processes to the first, which is the one that tells them.</summary>
    public void ShareWarnings()
    {
        if (IsAlone) return;
        var own = Warnings?.TakeNew() ?? [];
        var all = Gather("warnings", Rank == 0 ? [] : RankFault.WriteAll(own));
        if (Rank > 0) return;
        for (var rank = 1; rank < World; rank++)
        {
            foreach (var warning in RankFault.ReadAll(all[rank], rank)) Warnings?.Hear(warning);
        }
    }

    /// <summary>What each process has to say, by rank.</summary>
    /// <param name="what">What it is about, in a few words: all processes say the same.</param>
    /// <param name="own">What this one has to say.</param>
    /// <exception cref="FaultException">What ended the run in another process.</exception>
    public IReadOnlyList<byte[]> Gather(string what, byte[] own)
    {
        if (IsAlone) return [own];
        var lengths = Meet(what, own.Length, alike: false);
        if (lengths.Max() is var longest && longest == 0) return [.. lengths.Select(static _ => Array.Empty<byte>())];
        using var scope = NewDisposeScope();
        var padded = new byte[longest];
        own.CopyTo(padded, 0);
        var all = empty(World, longest, dtype: ScalarType.Byte);
        communicator.Gather(tensor(padded, dtype: ScalarType.Byte), all);
        return [.. lengths.Select((length, rank) => all[rank].data<byte>().ToArray()[..(int)length])];
    }

    /// <summary>Numbers of all processes, by rank: as many of each.</summary>
    public double[] Gather(string what, IReadOnlyList<double> own)
    {
        if (IsAlone) return [.. own];
        Meet(what, own.Count);
        if (own.Count == 0) return [];
        using var scope = NewDisposeScope();
        var all = empty(World, own.Count, dtype: ScalarType.Float64);
        communicator.Gather(tensor(own.ToArray(), dtype: ScalarType.Float64), all);
        return all.data<double>().ToArray();
    }

    /// <summary>A tensor of each process, by rank.</summary>
    /// <param name="what">What it is.</param>
    /// <param name="own">Of the same shape and type everywhere.</param>
    /// <returns>They belong to the scope of the caller.</returns>
    public IReadOnlyList<Tensor> Gather(string what, Tensor own)
    {
        if (IsAlone) return [own.alias()];
        Meet(what, own.numel());
        var all = empty([World, .. own.shape], dtype: own.dtype, device: own.device);
        using (var whole = own.detach().contiguous()) communicator.Gather(whole, all);
        return all.unbind();
    }

    /// <summary>What the first process has to say.</summary>
    /// <param name="what">What it is about.</param>
    /// <param name="own">Asked for in the first process.</param>
    public byte[] OfFirst(string what, Func<byte[]> own)
    {
        var mine = Rank == 0 ? own() : [];
        if (IsAlone) return mine;
        var length = Meet(what, mine.Length, alike: false)[0];
        using var scope = NewDisposeScope();
        var bytes = Rank == 0 ? tensor(mine, dtype: ScalarType.Byte) : empty(length, dtype: ScalarType.Byte);
        if (length > 0) communicator.Broadcast(bytes, 0);
        return bytes.data<byte>().ToArray();
    }

    /// <summary>Overwrites a tensor with that of one of the processes.</summary>
    /// <param name="rank">Whose.</param>
    /// <param name="what">What it is.</param>
    /// <param name="tensor">Of the same shape and type everywhere.</param>
    public void From(int rank, string what, Tensor tensor)
    {
        if (IsAlone) return;
        Meet(what, tensor.numel());
        using var scope = NewDisposeScope();
        var whole = tensor.detach().contiguous();
        communicator.Broadcast(whole, rank);
        using var _ = no_grad();
        if (Rank != rank) tensor.detach().copy_(whole);
    }

    /// <summary>Whether it holds in any process.</summary>
    public bool Any(string what, bool holds) => IsAlone ? holds : Meet(what, holds ? 1 : 0, alike: false).Any(static other => other > 0);

    /// <summary>
    /// Replaces numbers by their sum over all processes, added up in an aligned binary tree, ((0 + 1) + (2 + 3)): the sum does not depend on how pieces are cut, nor on
    /// what carries them.
    /// </summary>
    /// <param name="what">What they are.</param>
    /// <param name="flat">fp32, one dimension, contiguous; its length is a multiple of <see cref="World"/>.</param>
    public void Sum(string what, Tensor flat)
    {
        if (IsAlone) return;
        Meet(what, flat.numel());
        using var stage = Stages?.Enter(ReduceStage);
        using var _ = no_grad();
        var bucket = BucketElements / World * World;
        for (long at = 0; at < flat.numel(); at += bucket)
        {
            using var scope = NewDisposeScope();
            var piece = flat.narrow(0, at, Math.Min(bucket, flat.numel() - at)).view(World, -1);
            communicator.Gather(Reduced(piece), piece);
        }
    }

    /// <summary>Sums of what all processes have for this one, in the same order as <see cref="Sum"/>.</summary>
    /// <param name="what">What they are.</param>
    /// <param name="rows">fp32, [World, n], contiguous: row r is for process r.</param>
    /// <returns>[n]; it belongs to the scope of the caller.</returns>
    public Tensor Scatter(string what, Tensor rows)
    {
        if (IsAlone) return rows[0];
        Meet(what, rows.numel());
        using var stage = Stages?.Enter(ReduceStage);
        using var _ = no_grad();
        return Reduced(rows);
    }

    private Tensor Reduced(Tensor piece)
    {
        var rows = empty_like(piece);
        communicator.Exchange(piece, rows);
        return AlignedTree.Sum([.. Enumerable.Range(0, World).Select(row => rows[row])]);
    }

    /// <summary>Evaluations of the network since a count in all processes; those of the others are counted here, too.</summary>
    public (double Evaluations, double GradientEvaluations) CountElsewhere(EvaluationLedger ledger, (double Evaluations, double GradientEvaluations) before)
    {
        var (evaluations, gradient) = (ledger.Evaluations - before.Evaluations, ledger.GradientEvaluations - before.GradientEvaluations);
        if (IsAlone) return (evaluations, gradient);
        var all = Gather("evaluations of the network", [evaluations, gradient]).Chunk(2).ToList();
        // Added up in the order of ranks, as one process would count them.
        var (sum, differentiated) = (all.Sum(static own => own[0]), all.Sum(static own => own[1]));
        ledger.AddElsewhere(sum - evaluations, differentiated - gradient);
        return (sum, differentiated);
    }

    /// <summary>What all processes are to have: the value of this one where every process has one, otherwise the fault of the first that has none.</summary>
    /// <param name="what">What it is.</param>
    /// <param name="own">What this process has.</param>
    public Result<T> Agreed<T>(string what, Result<T> own)
    {
        if (IsAlone) return own;
        if (!own.TryGet(out _, out var fault)) return Fail(fault);
        try
        {
            Meet(what, 0);
            return own;
        }
        catch (FaultException exception)
        {
            return exception.Fault;
        }
    }

    /// <summary>Tells the other processes, at their next meeting, that the run ends here.</summary>
    /// <param name="own">Why.</param>
    /// <returns>The fault with which all of them end: the one of the lowest rank, where several have one.</returns>
    public Fault Fail(Fault own)
    {
        if (IsAlone) return own;
        if (_fault is { } known) return known;
        try
        {
            return Received(Headers(RankStatus.Faulted, own.Code, 0), own);
        }
#pragma warning disable CA1031 // Whatever went wrong between the processes, they must not wait for each other.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            Telemetry.Thrown.Keep(exception, "telling other processes of a fault");
            communicator.Abort(own.ExitCode);
            throw;
        }
    }

    /// <summary>Tells the other processes, at their next meeting, that this one was asked to stop inside a step.</summary>
    /// <returns>The fault that ended the run in another process at the same time; null for none.</returns>
    public Fault? Interrupt()
    {
        if (IsAlone || _fault is not null || _interrupted) return _fault;
        _interrupted = true;
        var headers = Headers(RankStatus.Interrupted, "interrupted", 0);
        return headers.Exists(static header => header.Status == RankStatus.Faulted) ? Received(headers, null) : null;
    }

    /// <summary>The stage in which a process waits for the others.</summary>
    public const string WaitStage = "wait";

    /// <summary>The stage in which gradients of the processes are added up.</summary>
    public const string ReduceStage = "reduce";

    /// <summary>The stage in which weights that one process updated go to the others.</summary>
    public const string GatherStage = "gather";

    private long[] Meet(string what, long size, bool alike = true)
    {
        if (_fault is { } known) throw new FaultException(known);
        At = what;
        List<RankHeader> headers;
        using (Stages?.Enter(WaitStage)) headers = Headers(RankStatus.Going, what, size);
        if (headers.TrueForAll(static header => header.Status == RankStatus.Going))
        {
            var own = headers[Rank];
            if (headers.FindIndex(header => header.Name != own.Name || (alike && header.Size != own.Size)) is var other and >= 0) throw new FaultException(Parted(headers, other));
            return [.. headers.Select(static header => header.Size)];
        }
        if (headers.Exists(static header => header.Status == RankStatus.Faulted)) throw new FaultException(Received(headers, null));
        _interrupted = true;
        throw new OperationCanceledException("another process of the run was asked to stop");
    }

    private Fault Parted(List<RankHeader> headers, int other)
    {
        // In the words of all processes the same, whoever finds it.
        var first = headers.FindIndex(header => header != headers[0]) is var odd and > 0 ? odd : other;
        static string Told(RankHeader header) => $"'{header.Name}' ({header.Size})";
        return _fault = new Fault.Run(FaultCodes.RanksParted, $"rank 0 has come to {Told(headers[0])}, but rank {first} to {Told(headers[first])}: a part does not do the same in all processes of the run");
    }

    private Fault Received(List<RankHeader> headers, Fault? own)
    {
        var rank = headers.FindIndex(static header => header.Status == RankStatus.Faulted);
        using var scope = NewDisposeScope();
        var text = rank == Rank ? RankFault.Write(own!) : [];
        var length = tensor(new[] { (long)text.Length });
        communicator.Broadcast(length, rank);
        var bytes = rank == Rank ? tensor(text, dtype: ScalarType.Byte) : empty(length.item<long>(), dtype: ScalarType.Byte);
        communicator.Broadcast(bytes, rank);
        return _fault = RankFault.Read(bytes.data<byte>().ToArray(), rank);
    }

    private List<RankHeader> Headers(RankStatus status, string name, long size)
    {
        using var scope = NewDisposeScope();
        var all = empty(World, RankHeader.Length, dtype: ScalarType.Byte);
        communicator.Gather(tensor(new RankHeader(status, size, name).ToBytes(), dtype: ScalarType.Byte), all);
        return [.. Enumerable.Range(0, World).Select(rank => RankHeader.Read(all[rank].data<byte>().ToArray()))];
    }
}
