using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Optimizers;
using LeapAlign.Contracts.Planning;
using LeapAlign.Contracts.State;
using LeapAlign.Contracts.Weights;
using LeapAlign.Host.Composition;
using LeapAlign.Host.Configuration.Sections;
using LeapAlign.Host.Kernel;
using LeapAlign.Host.Kernel.Rewards;
using LeapAlign.Host.Kernel.Steps;
using LeapAlign.Host.Runtime;
using LeapAlign.Pipeline;
using LeapAlign.Storage.Safetensors;
using static TorchSharp.torch;

namespace LeapAlign.Host.Planning;

/// <summary>
/// Plans the steps of a run from its living parts: pieces of the network's, the decoder's and the rewards' work are run once, with gradients and without; what is kept for trained numbers is
/// arithmetic. Nothing is trained, and nothing is written.
/// </summary>
/// <param name="plan">The composition.</param>
/// <param name="parts">Its parts. Where all weights of a model would be trained and that is too much for this machine, of a frozen one.</param>
internal sealed class Planner(RunPlan plan, RunParts parts)
{
    /// <summary>What is kept for each trained number.</summary>
    public NumberCost Number => new()
    {
        Weight = sizeof(float) + (plan.Run.Dtype == "float32" ? 0 : 2),
        Optimizer = OptimizerBytes(),
        Average = LaggedWeights.TypeFor([plan.Run.Ema]) == ScalarType.Float64 ? sizeof(double) : sizeof(float),
        // An adapter's reference is the model without it.
        Copies = sizeof(float) * (parts.Algorithm.Copies.Count + (plan.Run.Reference && plan.Adapter is null ? 1 : 0)),
        Undone = plan.Guard.Fallen == GuardSettings.Undo ? sizeof(float) : 0,
        HasCheckpoints = plan.Checkpoint.Every >= 0,
        WritesBesideSteps = plan.Checkpoint.Every > 0 && plan.Checkpoint.Every < plan.Run.Steps,
    };

    /// <summary>The plan without a piece of work: what is there before the first evaluation.</summary>
    /// <param name="trained">Numbers that are trained; those of the parts when null.</param>
    public StepPlan State(double? trained = null)
    {
        var number = Number;
        var own = parts.Trained.Parameters.Concat(parts.Algorithm.Parameters).Sum(static parameter => (double)parameter.Value.numel());
        return new StepPlan
        {
            Cost = Cost,
            Beside = Beside,
            Passes = Passes,
            Branches = parts.Model.GuidanceForm == GuidanceForm.Branches && plan.Guidance.IsActive ? 2 : 1,
            MicroBatches = plan.Run.Accumulation,
            Network = [],
            Decoder = [],
            Rewards = [],
            Trained = trained ?? own,
            Number = number,
            // Their weights are there already.
            Program = Math.Max(0, SystemMemory.Anonymous - (own * number.Weight)),
            Mapped = SafetensorsFile.MappedBytes,
            // Where parts are computed again, what it keeps is given back behind each of them.
            KeepsPieces = plan.Run.BlocksPerCheckpoint == 0 && plan.Run.Tuning && StartupTuning.IsAllowed && OperatingSystem.IsLinux(),
            Placed = (parts.Model as IPlannedModel)?.Placed ?? [],
        };
    }

    /// <summary>The whole plan.</summary>
    /// <param name="stop">Ends it early.</param>
    /// <exception cref="FaultException">A part cannot do its work.</exception>
    /// <exception cref="OperationCanceledException">It was ended early.</exception>
    public StepPlan Measure(CancellationToken stop)
    {
        var state = State();
        using var scope = NewDisposeScope();
        var prompts = Enumerable.Range(0, plan.Run.Batch).Select(index => parts.Prompts[index % parts.Prompts.Count]).ToArray();
        var encode = WorkMeter.Seconds(() => parts.Model.Encode(new ConditioningRequest([.. prompts.Select(static prompt => prompt.Text)], plan.Guidance, parts.Pictures.Size)).Dispose());
        var work = Work();
        var network = Measured(work.Where(static piece => piece.Stage == WorkStage.Velocity), Cost.Gradient + Beside.Gradient > 0, stop);
        // Rewards of latents alone leave nothing to decode in a step.
        var decodes = parts.Rewards.Any(static reward => reward.Role == RewardRole.Train && reward.Latent is null);
        var decoder = Measured(work.Where(piece => decodes && piece.Stage == WorkStage.Decode), Cost.Decoded > 0, stop);
        var rewards = Measured(parts.Rewards.Where(static reward => reward is { Role: RewardRole.Train, AsksPeople: false, IsUnscored: false }).Select(reward => Scoring(reward, prompts)), Cost.Decoded > 0, stop);
        foreach (var parameter in parts.Trained.Parameters)
        {
            parameter.Value.grad?.Dispose();
            parameter.Value.grad = null;
        }
        return state with { Network = network, Decoder = decoder, Rewards = rewards, Encode = encode, Update = state.Trained * SecondsOfANumber() };
    }

    private int Steps => parts.Sampler.CreateSchedule(parts.Model.Scheduling.For(parts.Pictures.Latents)).Steps;

    private NetworkCost Cost => plan.Algorithm.Definition.Cost(plan.Algorithm.Settings, Steps) ?? new NetworkCost(Steps, 1, 1);

    // One that does not say what it costs is left out.
    private NetworkCost Beside => plan.Objectives.Select(objective => objective.Part.Definition.Cost(objective.Part.Settings, Steps)).OfType<NetworkCost>()
        .Aggregate(new NetworkCost(0, 0, 0), static (all, one) => new(all.Plain + one.Plain, all.Gradient + one.Gradient, 0));

    // Of a frozen stand-in for weights that are too many for this machine nothing is trained, and nobody can be asked about it.
    private StepPasses Passes => parts.Trained.Parameters.Count > 0 ? parts.Optimizer.Passes(parts.Trained.Parameters) : StepPasses.Once;

    private static List<WorkCost> Measured(IEnumerable<WorkPiece> pieces, bool differentiates, CancellationToken stop) => [.. pieces.Select(piece => WorkMeter.Measure(piece, differentiates, stop))];

    // Of a model that names no pieces, whole evaluations.
    private IReadOnlyList<WorkPiece> Work()
    {
        if (parts.Model is IPlannedModel planned) return planned.Work(parts.Pictures.Size, plan.Run.Batch);
        var (shape, model) = (parts.Pictures.Latents.Batch(plan.Run.Batch), parts.Model);
        var captions = Enumerable.Repeat(parts.Prompts[0].Text, plan.Run.Batch).ToArray();
        return
        [
            new WorkPiece("network", WorkStage.Velocity, () => [randn(shape)], inputs =>
            {
                using var conditioning = model.Encode(new ConditioningRequest(captions, Contracts.Flow.Guidance.None, parts.Pictures.Size));
                return [model.Velocity(inputs[0], [0.5], conditioning)];
            }),
            new WorkPiece("decoder", WorkStage.Decode, () => [randn(shape)], inputs => [model.Decode(inputs[0])]),
        ];
    }

    private WorkPiece Scoring(RunReward reward, Contracts.Prompts.Prompt[] prompts)
    {
        var size = parts.Pictures.Size;
        var samples = new ScoredSamples(prompts) { Encode = () => parts.Model.Encode(new ConditioningRequest([.. prompts.Select(static prompt => prompt.Text)], Contracts.Flow.Guidance.None, size)) };
        return new WorkPiece(
            $"reward {reward.Name}",
            WorkStage.Decode,
            () => [reward.Latent is null ? rand(prompts.Length, 3, size.Height, size.Width) : randn(parts.Pictures.Latents.Batch(prompts.Length))],
            inputs => [reward.Score(samples, inputs[0])])
        {
            Differentiated = reward.IsDifferentiable ? 1 : 0,
        };
    }

    // Of small tensors in the place of those that are trained, under their names and roles: some optimizers keep less for matrices, others ask which names there are.
    private double OptimizerBytes()
    {
        using var scope = NewDisposeScope();
        IEnumerable<Parameter> trained = parts.Trained.Parameters.Count > 0 ? parts.Trained.Parameters.Select(static parameter => new Parameter(parameter.Name, parameter.Role, Small(parameter.Value.dim()))) : [new Parameter("sample", plan.Adapter is null ? ParameterRole.Matrix : ParameterRole.Adapter, Small(2))];
        var samples = new ParameterSet(trained);
        using var optimization = parts.Optimizer.Begin(samples);
        if (optimization is IWeighingOptimization weighing) WeighedSteps.Tell(weighing, plan);
        var bytes = optimization is not IStateful state ? 0 : state.Save().Tensors.Sum(static tensor => (double)tensor.Value.numel() * tensor.Value.element_size()) / samples.Sum(static sample => (double)sample.Value.numel());
        return plan.Run.OptimizerState == RunSettings.StateSharded ? bytes / parts.Ranks.World : bytes;
    }

    private static Tensor Small(long dimensions)
    {
        const long edge = 8;
        return zeros([.. Enumerable.Range(0, (int)Math.Max(1, dimensions)).Select(static at => at < 2 ? edge : 1)], dtype: ScalarType.Float32).requires_grad_();
    }

    // Norm, clipping, moments, the copy in the run's precision and the average read and write each number some ten times.
    private static double SecondsOfANumber()
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        const int numbers = 1 << 22;
        const int passes = 10;
        var (left, right) = (ones(numbers, dtype: ScalarType.Float32), ones(numbers, dtype: ScalarType.Float32));
        left.add_(right);
        return Enumerable.Range(0, 3).Min(_ => WorkMeter.Seconds(() => left.add_(right))) * passes / numbers;
    }
}
