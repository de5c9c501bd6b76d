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
internal sealed class ShardGradients(ParameterSet parameters, RunRanks ranks, int shards, int batches) : IDisposable
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

    /// <summary>Makes every gradient the mean over the processes of the sum over their shards. A parameter that has one in any process has one in all afterwards.</summary>
    public void Join()
    {
        JoinShards();
        if (ranks.IsAlone) return;
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var present = Present();
        List<Parameter> all = [.. parameters.Where((_, place) => present[place])];
        if (all.Count == 0) return;
        var length = all.Sum(static parameter => parameter.Value.numel());
        var padding = (ranks.World - (length % ranks.World)) % ranks.World;
        var device = all[0].Value.device;
        var flat = cat([
            .. all.Select(static parameter => (parameter.Value.grad ?? zeros_like(parameter.Value)).detach().flatten().to(ScalarType.Float32)),
            .. padding > 0 ? [zeros(padding, dtype: ScalarType.Float32, device: device)] : Array.Empty<Tensor>()]);
        ranks.Sum("gradients", flat);
        Compare(flat);
        using TorchSharp.Scalar share = 1.0 / ranks.World;
        flat.mul_(share);
        long at = 0;
        foreach (var parameter in all)
        {
            var sum = flat.narrow(0, at, parameter.Value.numel()).view(parameter.Value.shape);
            at += parameter.Value.numel();
            if (parameter.Value.grad is { } gradient) gradient.copy_(sum);
            else parameter.Value.grad = sum.to(parameter.Value.dtype).clone();
        }
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
            if (Array.TrueForAll(sums, static sum => sum is null)) continue;
            // As the processes do it: a shard without a gradient counts as zeros.
            Tensor[] rows = [.. sums.Select(sum => sum ?? zeros_like(value).detach())];
            for (var step = 1; step < shards; step *= 2)
            {
                for (var row = 0; row + step < shards; row += 2 * step) rows[row].add_(rows[row + step]);
            }
            if (sums[0] is null) value.grad = rows[0];
        }
        Clear();
    }

    private bool[] Present()
    {
        byte[] own = [.. parameters.Select(static parameter => parameter.Value.grad is null ? (byte)0 : (byte)1)];
        var all = ranks.Gather("which gradients there are", own);
        return [.. Enumerable.Range(0, own.Length).Select(place => all.Any(rank => rank[place] > 0))];
    }

    // Once: what carried the first sum right carries the others.
    private void Compare(Tensor flat)
    {
        if (_compared) return;
        _compared = true;
        SameEverywhere.Check(ranks, "the gradients of the first update", [flat]);
    }
}
