using LeapAlign.Contracts.Weights;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Host.Kernel.Ranks;

/// <summary>
/// Gradients of an update, shard by shard, and then over the processes: shards are added in an aligned binary tree, so that the sum has the same bits however many
/// processes share them. A shard's own objectives are added as they come. With one shard in one process nothing is copied.
/// </summary>
/// <param name="parameters">Everything that has gradients.</param>
/// <param name="ranks">The processes.</param>
/// <param name="shards">The shards of this process.</param>
/// <param name="batches">The micro-batches of one shard.</param>
/// <param name="owners">Which process keeps the joined gradient of each parameter; null where all keep all.</param>
internal sealed class ShardGradients(ParameterSet parameters, RunRanks ranks, int shards, int batches, int[]? owners = null) : IDisposable
{
    private readonly Tensor?[][] _aside = [.. Enumerable.Range(0, shards).Select(_ => new Tensor?[parameters.Count])];
    private int _open;
    private bool _compared;

    /// <summary>The next backward adds to the shard of a micro-batch.</summary>
    /// <param name="batch">Its place in this process; null where nobody said.</param>
    /// <param name="owner">Whose loss it is.</param>
    /// <exception cref="FaultException">There are several shards, and the part does not say which it is.</exception>
    public void Open(int? batch, string owner)
    {
        if (shards == 1) return;
        if (batch is not { } place) throw new FaultException(new Fault.Composition(FaultCodes.NoShard, $"'{owner}' does not say which micro-batch its loss is of (Objective.From), which a run of {shards * ranks.World} shards has to know: set run.shards to 1 or take another algorithm"));
        Swap(place / batches);
    }

    /// <summary>Whether a process keeps the joined gradients of its own parameters alone.</summary>
    public bool AreShared => owners is not null && !ranks.IsAlone;

    /// <summary>
    /// Makes every gradient the mean over the processes of the sum over their shards. A parameter that has one in any process has one in all afterwards, or in the one that keeps it. Buffers are small beside the
    /// gradients of a model.
    /// </summary>
    public void Join()
    {
        JoinShards();
        if (ranks.IsAlone) return;
        using var _ = no_grad();
        var present = Anywhere("which gradients there are", [.. parameters.Select(static parameter => parameter.Value.grad is not null)]);
        List<(Parameter Parameter, int Owner)> all = [.. parameters.Select((parameter, place) => (parameter, owners?[place] ?? ranks.Rank)).Where((_, place) => present[place])];
        if (all.Count == 0) return;
        foreach (var (parameter, owner) in all)
        {
            if (owner == ranks.Rank) GiveGradient(parameter.Value);
        }
        if (AreShared) Scatter(all);
        else Sum([.. all.Select(static each => each.Parameter)]);
    }

    /// <summary>The norm of all gradients, wherever they are kept.</summary>
    public Tensor Norm()
    {
        if (!AreShared) return parameters.GradientNorm();
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        // Of each parameter by the process that keeps it; put together as ParameterSet.GradientNorm does, for the same bits.
        const double absent = -1;
        IReadOnlyList<double> own = [.. parameters.Select(static parameter => parameter.Value.grad is { } gradient ? (double)gradient.norm().item<float>() : absent)];
        var every = ranks.Gather("the lengths of gradients", own);
        float[] norms = [.. Enumerable.Range(0, own.Count).Select(place => (float)every[(owners![place] * own.Count) + place]).Where(static norm => norm != absent)];
        return (norms.Length == 0 ? zeros([], dtype: ScalarType.Float32) : tensor(norms).norm()).MoveToOuterDisposeScope();
    }

    /// <summary>The parameters whose joined gradient is of a kind, wherever it is kept.</summary>
    /// <param name="what">Of which kind, in a few words.</param>
    /// <param name="holds">Whether a gradient is.</param>
    public IEnumerable<Parameter> With(string what, Func<Tensor, bool> holds)
    {
        var own = parameters.Select(parameter => parameter.Value.grad is { } gradient && holds(gradient)).ToArray();
        var all = AreShared ? Anywhere(what, own) : own;
        return parameters.Where((_, place) => all[place]);
    }

    /// <summary>Forgets what was not joined.</summary>
    public void Clear()
    {
        foreach (var shard in _aside)
        {
            foreach (var gradient in shard) gradient?.Dispose();
            Array.Clear(shard);
        }
        _open = 0;
    }

    public void Dispose() => Clear();

    private void Swap(int shard)
    {
        if (shard == _open) return;
        for (var place = 0; place < parameters.Count; place++)
        {
            var value = parameters[place].Value;
            _aside[_open][place] = value.grad?.DetachFromDisposeScope();
            value.grad = _aside[shard][place];
            _aside[shard][place]?.Dispose();
            _aside[shard][place] = null;
        }
        _open = shard;
    }

    private void JoinShards()
    {
        if (shards == 1) return;
        Swap(0);
        using var _ = no_grad();
        for (var place = 0; place < parameters.Count; place++)
        {
            using var scope = NewDisposeScope();
            var value = parameters[place].Value;
            Tensor?[] sums = [value.grad, .. _aside.Skip(1).Select(shard => shard[place])];
            if (Array.TrueForAll(sums, static each => each is null)) continue;
            // As the processes do it: a shard without a gradient counts as zeros.
            Tensor[] rows = [.. sums.Select(each => each ?? zeros_like(value).detach())];
            var sum = AlignedTree.Sum(rows);
            if (sums[0] is null) value.grad = sum;
        }
        Clear();
    }

    private bool[] Anywhere(string what, bool[] own)
    {
        var all = ranks.Gather(what, [.. own.Select(static holds => holds ? (byte)1 : (byte)0)]);
        return [.. Enumerable.Range(0, own.Length).Select(place => all.Any(rank => rank[place] > 0))];
    }

    private void Sum(IReadOnlyList<Parameter> all)
    {
        var stream = new GradientStream(all);
        while (stream.Left > 0)
        {
            using var scope = NewDisposeScope();
            var length = Math.Min(RunRanks.BucketElements, stream.Left);
            var flat = Buffer((length + ranks.World - 1) / ranks.World * ranks.World, all[0].Value.device);
            var pieces = stream.Take(flat.narrow(0, 0, length));
            ranks.Sum("gradients", flat);
            Scale(flat);
            foreach (var piece in pieces) piece.Write(flat);
        }
        if (_compared) return;
        // Once: what carried the first sum right carries the others.
        _compared = true;
        SameEverywhere.Check(ranks, "the gradients of the first update", all.Select(static parameter => parameter.Value.grad!));
    }

    // Row r of a buffer is of what process r keeps, so that each is sent its own alone; what another one keeps is dropped where it has gone.
    private void Scatter(IReadOnlyList<(Parameter Parameter, int Owner)> all)
    {
        var streams = Enumerable.Range(0, ranks.World).Select(rank => new GradientStream([.. all.Where(each => each.Owner == rank).Select(static each => each.Parameter)])).ToList();
        while (streams.Max(static stream => stream.Left) is var left && left > 0)
        {
            using var scope = NewDisposeScope();
            var length = Math.Min(RunRanks.BucketElements / ranks.World, left);
            var rows = Buffer(ranks.World * length, all[0].Parameter.Value.device).view(ranks.World, length);
            var pieces = streams.Select((stream, rank) => stream.Take(rows[rank])).ToList();
            var own = ranks.Scatter("gradients", rows);
            Scale(own);
            foreach (var piece in pieces[ranks.Rank]) piece.Write(own);
            foreach (var gone in pieces.Where((_, rank) => rank != ranks.Rank).SelectMany(static taken => taken).Where(static piece => piece.IsLast))
            {
                gone.Parameter.Value.grad?.Dispose();
                gone.Parameter.Value.grad = null;
            }
        }
    }

    private void Scale(Tensor sums)
    {
        using TorchSharp.Scalar share = 1.0 / ranks.World;
        sums.mul_(share);
    }

    private static Tensor Buffer(long length, Device device) => zeros(length, dtype: ScalarType.Float32, device: device);

    // Contiguous, so that pieces of it can be written.
    private static void GiveGradient(Tensor value)
    {
        using var scope = NewDisposeScope();
        if (value.grad is not { } gradient) value.grad = zeros(value.shape, dtype: value.dtype, device: value.device);
        else if (!gradient.is_contiguous()) value.grad = gradient.contiguous();
    }
}
