using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Optimizers;
using LeapAlign.Contracts.State;
using LeapAlign.Contracts.Weights;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Host.Kernel.Ranks;

/// <summary>
/// An optimization of which each process keeps the state of its share of the parameters (ZeRO stage 1, Rajbhandari and others 2020, arXiv 1910.02054): it updates these, and
/// the updated weights go to the others. Weights are those of an optimization of all parameters, to the bit, since the optimizer updates each by itself.
/// </summary>
internal sealed class ShardedOptimization : IOptimization, IStateInShares
{
    private readonly RunRanks _ranks;
    private readonly IReadOnlyList<(int Rank, IReadOnlyList<Tensor> Values)> _buckets;
    private readonly IOptimization _own;
    private PartState? _whole;
    private bool _collected;

    /// <summary>Begins an optimization of the share of this process.</summary>
    /// <param name="begin">Begins an optimization of some parameters.</param>
    /// <param name="all">All parameters.</param>
    /// <param name="ranks">The processes.</param>
    public ShardedOptimization(Func<ParameterSet, IOptimization> begin, ParameterSet all, RunRanks ranks)
    {
        _ranks = ranks;
        var owners = Owners(all, ranks.World);
        _buckets = [.. Buckets(all, owners)];
        _own = begin(new ParameterSet(all.Where((_, place) => owners[place] == ranks.Rank)));
    }

    /// <summary>The optimization of this process's share.</summary>
    public IOptimization Own => _own;

    /// <summary>Whether this process has the state of all, as checkpoints need it: after <see cref="Collect"/> or <see cref="Load"/>, until the next update.</summary>
    public bool IsWhole => _whole is not null || _own is not IStateful;

    public int StateVersion => _own is IStateful state ? state.StateVersion : 0;

    /// <summary>
    /// Which process updates each parameter: of each role the largest goes to the process that has least of that role, the first of them where several have. The first
    /// process has some of every role, so that what it says of the update holds for all.
    /// </summary>
    public static int[] Owners(ParameterSet all, int world)
    {
        var owners = new int[all.Count];
        foreach (var role in all.Select(static (parameter, place) => (parameter.Role, Place: place, Elements: parameter.Value.numel())).GroupBy(static parameter => parameter.Role))
        {
            var loads = new long[world];
            foreach (var (_, place, elements) in role.OrderByDescending(static parameter => parameter.Elements).ThenBy(static parameter => parameter.Place))
            {
                owners[place] = Array.IndexOf(loads, loads.Min());
                loads[owners[place]] += elements;
            }
        }
        return owners;
    }

    public double Update(UpdateContext context)
    {
        Forget();
        var rate = _own.Update(context);
        using var stage = _ranks.Stages?.Enter(RunRanks.GatherStage);
        using var _ = no_grad();
        foreach (var (rank, bucket) in _buckets) Send(rank, bucket);
        return BitConverter.ToDouble(_ranks.OfFirst("the learning rate", () => BitConverter.GetBytes(rate)));
    }

    /// <summary>Brings the state of all processes to the first, once between two updates.</summary>
    public void Collect()
    {
        if (_collected || _own is not IStateful part) return;
        using var scope = NewDisposeScope();
        var own = part.Save();
        var forms = _ranks.Gather("the forms of the optimizer's state", StateForm.Write(own)).Select(StateForm.Read).ToList();
        List<NamedTensor> tensors = [];
        for (var rank = 0; rank < forms.Count; rank++)
        {
            foreach (var (form, place) in forms[rank].Tensors.Select(static (form, place) => (form, place)))
            {
                var value = rank == _ranks.Rank ? own.Tensors[place].Value.detach().cpu().contiguous() : empty(form.Shape, (ScalarType)form.Type);
                _ranks.From(rank, "the optimizer's state", value);
                if (_ranks.Rank == 0) tensors.Add(new NamedTensor(form.Name, value.clone().DetachFromDisposeScope()));
                value.Dispose();
            }
        }
        Forget();
        _collected = true;
        if (_ranks.Rank == 0) _whole = new PartState(own.Version, tensors, Numbers(forms));
    }

    /// <summary>The state of all, where this process has it; of its share otherwise.</summary>
    public PartState Save() => _whole ?? SaveOwn();

    public PartState SaveOwn() => (_own as IStateful)?.Save() ?? new PartState(0, []);

    /// <summary>Takes the state of this process's share from that of all.</summary>
    public Result<Unit> Load(PartState state)
    {
        if (_own is not IStateful part) return Unit.Value;
        Forget();
        // Sent to the other processes before the first update.
        if (_ranks.Rank == 0) _whole = new PartState(state.Version, [.. state.Tensors.Select(static tensor => new NamedTensor(tensor.Name, tensor.Value.detach().clone().DetachFromDisposeScope()))], state.Numbers);
        return part.Load(state);
    }

    public void Dispose()
    {
        Forget();
        _own.Dispose();
    }

    // Numbers of single parameters are in the form of one process, those of the whole optimization in all.
    private static Dictionary<string, double> Numbers(IEnumerable<StateForm> forms)
    {
        var numbers = new Dictionary<string, double>(StringComparer.Ordinal);
        foreach (var (name, value) in forms.SelectMany(static form => form.Numbers)) numbers.TryAdd(name, value);
        return numbers;
    }

    private void Send(int rank, IReadOnlyList<Tensor> bucket)
    {
        using var scope = NewDisposeScope();
        var flat = rank == _ranks.Rank
            ? cat([.. bucket.Select(static value => value.detach().flatten())])
            : empty(bucket.Sum(static value => value.numel()), dtype: bucket[0].dtype, device: bucket[0].device);
        _ranks.From(rank, "updated weights", flat);
        if (rank == _ranks.Rank) return;
        long at = 0;
        foreach (var value in bucket)
        {
            value.detach().copy_(flat.narrow(0, at, value.numel()).view(value.shape));
            at += value.numel();
        }
    }

    // Of one process and one type, in the order of parameters; a parameter is not cut.
    private static IEnumerable<(int Rank, IReadOnlyList<Tensor> Values)> Buckets(ParameterSet all, int[] owners)
    {
        foreach (var owned in all.Select((parameter, place) => (parameter.Value, Rank: owners[place])).GroupBy(static each => each.Rank, static each => each.Value))
        {
            List<Tensor> bucket = [];
            long elements = 0;
            foreach (var value in owned)
            {
                if (bucket.Count > 0 && (bucket[0].dtype != value.dtype || elements + value.numel() > RunRanks.BucketElements))
                {
                    yield return (owned.Key, bucket);
                    (bucket, elements) = ([], 0);
                }
                bucket.Add(value);
                elements += value.numel();
            }
            yield return (owned.Key, bucket);
        }
    }

    private void Forget()
    {
        foreach (var tensor in _whole?.Tensors ?? []) tensor.Value.Dispose();
        (_whole, _collected) = (null, false);
    }
}
