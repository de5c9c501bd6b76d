using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.State;
using LeapAlign.Contracts.Weights;
using LeapAlign.Host.Kernel.Ranks;
using LeapAlign.Host.Kernel.State;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Host.Kernel.Steps;

/// <summary>
/// <c>θ̄ ← d θ̄ + (1 − d) θ</c> over the trained weights, as precise as the decay needs (<see cref="LaggedWeights"/>). Evaluation and export use it. Where processes share it, each keeps that of its share of the
/// parameters, and all of it is in a process only while it is looked at.
/// </summary>
internal sealed class MovingAverage : IDisposable
{
    private const string Name = "average";
    private readonly ParameterSet _parameters;
    private readonly double _decay;
    private readonly bool _warmUp;
    private readonly RunRanks _ranks;
    private readonly int[]? _owners;
    private readonly ScalarType _type;
    // Null for what another process keeps.
    private readonly Tensor?[] _average;
    private Policy? _policy;
    private bool _collected;

    /// <summary>Begins with the weights as they are now.</summary>
    /// <param name="parameters">The trained weights.</param>
    /// <param name="decay">d.</param>
    /// <param name="warmUp">Whether d is at most (1 + n) / (10 + n) after n updates, so that the weights that training began with are forgotten soon.</param>
    /// <param name="sharing">The processes that share it; null where each keeps all of it.</param>
    public MovingAverage(ParameterSet parameters, double decay, bool warmUp = false, RunRanks? sharing = null)
    {
        (_parameters, _decay, _warmUp, _ranks) = (parameters, decay, warmUp, sharing ?? RunRanks.Alone);
        _type = LaggedWeights.TypeFor([decay]);
        _owners = _ranks.IsAlone ? null : ShardedOptimization.Owners(parameters, _ranks.World);
        _average = [.. parameters.Select((parameter, place) => Keeps(place) ? LaggedWeights.Begin(parameter.Value, _type) : null)];
        if (!IsShared) _policy = new Policy(Name, _average!);
    }

    /// <summary>Whether each process keeps a share of it.</summary>
    public bool IsShared => _owners is not null;

    /// <summary>Whether all of it is in this process.</summary>
    public bool IsWhole => _policy is not null;

    /// <summary>The average as a policy.</summary>
    /// <returns>A fault where processes share it, and it was not brought together.</returns>
    public Result<Policy> Whole => _policy is { } whole ? whole : new Fault.Run(FaultCodes.StateMismatch, "the moving average is in several processes (run.averageState), and was not brought together");

    /// <summary>The average as a policy.</summary>
    /// <exception cref="FaultException">There is none in this process.</exception>
    public Policy Policy => Whole.Match(static whole => whole, static fault => throw new FaultException(fault));

    /// <summary>The average as a state; of several processes the first has all of it after <see cref="Collect"/>.</summary>
    public IStateful State => IsShared ? new StateInShares(this) : OfAll(_average!);

    /// <summary>Takes the weights after an optimizer step.</summary>
    /// <param name="updates">n, the updates before it.</param>
    public void Update(int updates)
    {
        using var _ = no_grad();
        var decay = _warmUp ? Math.Min(_decay, (1.0 + updates) / (10.0 + updates)) : _decay;
        for (var i = 0; i < _average.Length; i++)
        {
            if (_average[i] is { } own) LaggedWeights.Move(own, _parameters[i].Value, decay);
        }
        if (IsShared) Forget();
        else Policy.Moved();
    }

    /// <summary>Has all of it in every process until what is returned is disposed. All processes do it together.</summary>
    public IDisposable Gather()
    {
        if (IsShared) Bring(keeps: true);
        return new Gathered(this);
    }

    /// <summary>Has all of it in the first process until the next update. All processes do it together, between the same two steps.</summary>
    /// <returns>What ended another process.</returns>
    public Result<Unit> Collect()
    {
        if (!IsShared || _collected) return Unit.Value;
        try
        {
            Bring(keeps: _ranks.Rank == 0);
            _collected = true;
            return Unit.Value;
        }
        catch (FaultException exception)
        {
            return exception.Fault;
        }
    }

    public void Dispose()
    {
        if (IsShared) Forget();
        _policy?.Dispose();
        foreach (var tensor in _average) tensor?.Dispose();
    }

    private bool Keeps(int place) => _owners is null || _owners[place] == _ranks.Rank;

    private void Bring(bool keeps)
    {
        Forget();
        var whole = new Tensor[_average.Length];
        for (var i = 0; i < whole.Length; i++)
        {
            whole[i] = _average[i] ?? Room(i);
            _ranks.From(_owners![i], "the moving average", whole[i]);
            if (!keeps && _average[i] is null) whole[i].Dispose();
        }
        if (keeps) _policy = new Policy(Name, whole);
    }

    // For what another process keeps.
    private Tensor Room(int place) => empty(_parameters[place].Value.shape, dtype: _type, device: _parameters[place].Value.device).DetachFromDisposeScope();

    // What other processes keep is here no longer than it is looked at.
    private void Forget()
    {
        _collected = false;
        if (_policy is not { } whole) return;
        whole.Dispose();
        for (var i = 0; i < _average.Length; i++)
        {
            if (_average[i] is null) whole.Values[i].Dispose();
        }
        _policy = null;
    }

    private WeightsState OfAll(IReadOnlyList<Tensor> weights) => new([.. weights.Select((weight, i) => new NamedTensor(_parameters[i].Name, weight))], () => _policy?.Moved());

    private sealed class Gathered(MovingAverage average) : IDisposable
    {
        public void Dispose()
        {
            if (average.IsShared) average.Forget();
        }
    }

    private sealed class StateInShares(MovingAverage average) : IStateInShares
    {
        public int StateVersion => average.OfAll([]).StateVersion;

        public PartState Save() => Saved(i => average._policy?.Values[i] ?? average._average[i]);

        public PartState SaveOwn() => Saved(i => average._average[i]);

        private PartState Saved(Func<int, Tensor?> value) => new(StateVersion, [.. average._parameters.Select((parameter, i) => (parameter.Name, Value: value(i))).Where(static each => each.Value is not null).Select(static each => new NamedTensor(each.Name, each.Value!))]);

        // Of all weights; the first process sends it to the others before the first update.
        public Result<Unit> Load(PartState state)
        {
            average.Forget();
            Tensor[] whole = [.. average._average.Select((own, i) => own ?? average.Room(i))];
            average._policy = new Policy(Name, whole);
            var loaded = average.OfAll(whole).Load(state);
            if (!loaded.IsOk || average._ranks.Rank > 0) average.Forget();
            return loaded;
        }
    }
}
