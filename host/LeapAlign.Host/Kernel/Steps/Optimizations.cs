using LeapAlign.Contracts.Optimizers;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Contracts.State;
using LeapAlign.Contracts.Weights;
using LeapAlign.Host.Composition;
using LeapAlign.Host.Configuration.Sections;
using LeapAlign.Host.Kernel.Ranks;
using LeapAlign.Host.Kernel.Rewards;
using LeapAlign.Host.Kernel.State;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Host.Kernel.Steps;

/// <summary>
/// What the run's optimizer began: an optimization of what is trained and, where the algorithm has parameters of its own, one of those. It gives each what the
/// optimizer requires beside a gradient; masters and gradients are afterwards what they were, to the bit.
/// </summary>
internal sealed class Optimizations : IDisposable
{
    private readonly PartPlan _optimizer;
    private readonly OptimizerNeeds _needs;
    private readonly RunRanks _ranks;
    private readonly Action _refresh;
    private readonly Func<int, AskedStep, StepTally, RewardWeighing?> _accumulate;
    private readonly WeighedSteps? _weighed;
    private readonly List<Begun> _begun;

    /// <summary>Begins them.</summary>
    /// <param name="plan">The optimizer, and whether processes share its state.</param>
    /// <param name="parts">The parts of the run.</param>
    /// <param name="accumulate">Makes the step of a number as it is asked for, and adds its gradient up.</param>
    public Optimizations(RunPlan plan, RunParts parts, Func<int, AskedStep, StepTally, RewardWeighing?> accumulate)
    {
        (_optimizer, _needs, _ranks, _refresh, _accumulate) = (plan.Optimizer, new OptimizerNeeds(plan.Optimizer), parts.Ranks, parts.Trained.Refresh, accumulate);
        var (trained, own) = (parts.Trained.Parameters, parts.Algorithm.Parameters);
        Parameters = trained.With(own);
        _begun = [new Begun("optimizer", Begin(trained, null), trained)];
        if (own.Count > 0) _begun.Add(new Begun("own-optimizer", Begin(own, parts.Algorithm.ParameterRate), own));
        foreach (var each in _begun) _needs.Check(each.Optimization);
        (IRowOptimization, ParameterSet)[] takers = [.. from each in _begun let taker = _needs.Rows(each.Optimization) where taker is not null select (taker, each.Parameters)];
        if (takers.Length > 0) Rows = new GradientRows(takers, Parameters, parts.Ranks);
        IOptimization Begin(ParameterSet parameters, double? rate) => plan.Run.OptimizerState == RunSettings.StateSharded && !_ranks.IsAlone
            ? new ShardedOptimization(share => parts.Optimizer.Begin(share, rate), parameters, _ranks)
            : parts.Optimizer.Begin(parameters, rate);
        _weighed = WeighedSteps.Of(_needs.Weighing(_begun[0].Optimization), plan, parts);
        int[]? owners = plan.Run.GradientState == RunSettings.StateSharded ? [.. _begun.SelectMany(each => ShardedOptimization.Owners(each.Parameters, _ranks.World))] : null;
        Gradients = new ShardGradients(Parameters, parts.Ranks, parts.Share.Shards, parts.Share.Batches / parts.Share.Shards, owners);
        Parts = _weighed?.Begin(Parameters, Gradients, objectives: true);
    }

    /// <summary>Everything that has gradients: what is trained, and the algorithm's own.</summary>
    public ParameterSet Parameters { get; }

    /// <summary>Adds gradients up over shards and processes.</summary>
    public ShardGradients Gradients { get; }

    /// <summary>Takes the gradient of each objective by itself; null where no optimizer asks for that.</summary>
    public GradientRows? Rows { get; }

    /// <summary>Takes the gradients of a step's own update part by part, where the optimizer chooses the weights of rewards; null otherwise.</summary>
    public PartGradients? Parts { get; }

    /// <summary>The weights of rewards of the next step; null for those of plugins.json.</summary>
    public IReadOnlyDictionary<string, double>? Weights => _weighed?.Weights;

    /// <summary>What is kept between steps: of the optimizations, and the algorithm's own parameters.</summary>
    public IEnumerable<(string Name, IStateful State)> States => _begun.SelectMany(static (each, place) => (IEnumerable<(string, IStateful)>)
    [
        .. place > 0 ? [("own", new WeightsState(each.Parameters.Tensors))] : Array.Empty<(string, IStateful)>(),
        .. ((each.Optimization as ShardedOptimization)?.Own ?? each.Optimization) is IStateful ? [(each.Name, (IStateful)each.Optimization)] : Array.Empty<(string, IStateful)>(),
    ]);

    /// <summary>Whether each process keeps the state of its share of the parameters.</summary>
    public bool AreShared => Sharded.Any();

    /// <summary>Whether <see cref="States"/> are those of all parameters in the first process.</summary>
    public bool AreWhole => _ranks.Rank > 0 || Sharded.All(static each => each.IsWhole);

    /// <summary>Brings states that processes share to the first one, until the next update. All processes do it between the same two steps.</summary>
    /// <returns>What ended another process.</returns>
    public Result<Unit> Collect()
    {
        try
        {
            foreach (var each in Sharded) each.Collect();
            return Unit.Value;
        }
        catch (FaultException exception)
        {
            return exception.Fault;
        }
    }

    private IEnumerable<ShardedOptimization> Sharded => _begun.Select(static each => each.Optimization).OfType<ShardedOptimization>();

    /// <summary>Refuses an update of a step that the optimizer's needs do not allow.</summary>
    /// <param name="update">Its number in the step, from 0.</param>
    public void Allow(int update) => _needs.Allow(update);

    /// <summary>Puts the parameters where optimizers ask for gradients, until what is returned is disposed; null leaves them where they are.</summary>
    public MovedWeights? MoveToProbes()
    {
        using var scope = NewDisposeScope();
        var probes = _begun.Select(each => (Values: _needs.Probing(each.Optimization)?.Probe(), each.Parameters)).ToList();
        if (probes.TrueForAll(static probe => probe.Values is null)) return null;
        return new MovedWeights(Parameters, [.. probes.SelectMany(static probe => probe.Values ?? probe.Parameters.Select(static parameter => parameter.Value))], _refresh);
    }

    /// <summary>Updates the algorithm's own parameters, then what is trained.</summary>
    /// <param name="update">The update of the run.</param>
    /// <param name="step">The step of the run.</param>
    /// <param name="tally">Knows the loss of the update, and takes what is measured.</param>
    /// <param name="weighing">The weights of rewards that the step was made under; null for those of plugins.json.</param>
    /// <returns>The learning rate of what is trained.</returns>
    public double Update(int update, int step, StepTally tally, RewardWeighing? weighing)
    {
        double rate = 0;
        var own = weighing is null ? null : Parts!.Of(_begun[0].Parameters, weighing, lent: true);
        foreach (var each in Enumerable.Reverse(_begun)) rate = each.Optimization.Update(Context((update, step), tally, each, own));
        return rate;
    }

    /// <summary>Joins the gradients of an update over shards and processes.</summary>
    public void Join()
    {
        if (Parts is { } parts) parts.End();
        else Gradients.Join();
    }

    public void Dispose()
    {
        Gradients.Dispose();
        Parts?.Dispose();
        foreach (var each in _begun) each.Optimization.Dispose();
    }

    private UpdateContext Context((int Update, int Step) at, StepTally tally, Begun of, StepParts? own)
    {
        var (name, loss) = (_optimizer.Name + (of == _begun[0] ? "" : "_own"), tally.PendingLoss);
        void Measured(string what, double value) => tally.Measure($"{name}_{what}", value, _optimizer);
        return _needs.OneUpdate
            ? new UpdateContext(at.Update)
            {
                Loss = loss,
                Measured = Measured,
                Parts = own,
                Again = (values, draw) => Again(at.Step, draw, values, of.Parameters),
                Weighed = (weights, values, draw, objectives) => Weighed(at.Step, new AskedStep(draw) { Weights = weights, HasObjectives = objectives }, values, of.Parameters),
            }
            : new UpdateContext(at.Update) { Loss = loss, Measured = Measured };
    }

    private StepGradient Again(int step, int draw, IReadOnlyList<Tensor>? values, ParameterSet parameters) => _needs.Again(draw)
        ? Elsewhere(step, draw, values, parameters)
        : throw new InvalidOperationException($"a step is asked for again only by an optimizer that requires '{(draw > 0 ? Capabilities.SecondDraw : Capabilities.Replay)}'");

    /// <summary>The step at other weights or on other samples, without an update; weights and gradients are afterwards what they were.</summary>
    /// <param name="step">The step of the run.</param>
    /// <param name="draw">The samples: 0 for the step's own.</param>
    /// <param name="values">One for each of the parameters; null for those as they are.</param>
    /// <param name="parameters">What has the values, and whose gradients are returned.</param>
    public StepGradient Elsewhere(int step, int draw, IReadOnlyList<Tensor>? values, ParameterSet parameters)
    {
        using var scope = NewDisposeScope();
        using var _ = enable_grad();
        using var aside = new GradientsAside(Parameters);
        using var moved = values is null ? null : new MovedWeights(parameters, values, _refresh);
        var tally = new StepTally(_ranks);
        _accumulate(step, new AskedStep(draw), tally);
        Gradients.Join();
        tally.Reduce();
        return new StepGradient(tally.PendingLoss, [.. parameters.Select(static parameter => parameter.Value.grad?.MoveToOuterDisposeScope())]);
    }

    /// <summary>The curvature of the last update of what is trained; null where the optimizer divides by none.</summary>
    public ICurvatureOptimization? Curvature => OptimizerNeeds.Curvature(_begun[0].Optimization);

    /// <summary>The gradient of each prompt of a step where its gradients are taken, without an update; weights and gradients are afterwards what they were.</summary>
    /// <param name="step">The step of the run.</param>
    /// <returns>Of what is trained, in the scope of the caller.</returns>
    /// <exception cref="FaultException">LA5047: its losses do not belong to prompts, or it has several updates.</exception>
    public PromptsOfStep OfPrompts(int step)
    {
        using var scope = NewDisposeScope();
        using var _ = enable_grad();
        using var elsewhere = MoveToProbes();
        using var aside = new GradientsAside(Parameters);
        using var taken = new PromptGradients(Parameters);
        using (_accumulate(step, new AskedStep(0) { Prompts = taken, Weights = Weights }, new StepTally(_ranks)))
        {
            var trained = _begun[0].Parameters;
            var prompts = taken.End(trained);
            foreach (var gradient in prompts.SelectMany(static prompt => prompt.Gradients)) gradient?.MoveToOuterDisposeScope();
            return new PromptsOfStep(prompts, [.. Elsewhere(step, 0, null, trained).Gradients.Select(static gradient => gradient?.MoveToOuterDisposeScope())]);
        }
    }

    // The step under other weights of rewards, part by part.
    private StepParts Weighed(int step, AskedStep asked, IReadOnlyList<Tensor>? values, ParameterSet parameters)
    {
        if (_weighed is null) throw new InvalidOperationException($"a step is asked for under other weights only by an optimizer that requires '{Capabilities.RewardWeights}'");
        using var scope = NewDisposeScope();
        using var _ = enable_grad();
        using var aside = new GradientsAside(Parameters);
        using var moved = values is null ? null : new MovedWeights(parameters, values, _refresh);
        using var taken = _weighed.Begin(Parameters, Gradients, asked.HasObjectives);
        using var weighing = _accumulate(step, asked with { Parts = taken }, new StepTally(_ranks))!;
        taken.End();
        var parts = taken.Of(parameters, weighing, lent: false);
        foreach (var gradient in parts.Objectives.Values.Prepend(parts.Algorithm).SelectMany(static part => part.Gradients)) gradient?.MoveToOuterDisposeScope();
        return parts;
    }

    private sealed record Begun(string Name, IOptimization Optimization, ParameterSet Parameters);
}
