using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Contracts.Rewards;
using LeapAlign.Contracts.Samplers;
using LeapAlign.Methods.Schedules;
using LeapAlign.Testing;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.Grpo.Tests;

/// <summary>The network <c>v = a x + b σ</c> in double on states of several dimensions, in steps of several micro-batches, run as the host runs them.</summary>
internal sealed class SmallRun : IStepServices
{
    private readonly ScalarNetwork _network = new() { Schedule = Sigmas.Explicit(8, 3) };

    public Tensor A => _network.A;

    public Tensor B => _network.B;

    public Schedule Schedule => _network.Schedule;

    public required IStochasticSampler Sampler { get; init; }

    /// <summary>The prompt of each sample of each micro-batch.</summary>
    public int[][] Groups { get; init; } = [[0, 0, 1, 1], [0, 0, 1, 1]];

    public Func<Tensor, Tensor> Reward { get; init; } = static latents => latents.flatten(1).mean([1]);

    /// <summary>What happens to the weights when the host updates them.</summary>
    public Action<SmallRun> Update { get; init; } = static _ => { };

    /// <summary>The weights of the reference policy.</summary>
    public (double A, double B) Reference { get; init; } = (0.6, -0.4);

    /// <summary>Each evaluation, with its state: they outlive the scopes of the step.</summary>
    public List<(int Batch, int Step, bool Gradient, Tensor Latents)> Calls { get; } = [];

    /// <summary>How many evaluations were the reference's.</summary>
    public int ReferenceCalls { get; private set; }

    public List<Objective> Objectives { get; } = [];

    public static long[] Shape { get; } = [3, 2, 2];

    /// <summary>The gradients of the whole step, had there been one update.</summary>
    public (double A, double B) Gradients => (A.grad?.item<double>() ?? 0, B.grad?.item<double>() ?? 0);

    public AlignmentStep Step(int index = 0)
    {
        var key = RandomKey.OfRun(5).For("step", index);
        return new(this)
        {
            Index = index,
            Batches = [.. Groups.Select((groups, micro) => Batch(micro, groups, key))],
            Random = key.For("algorithm"),
        };
    }

    /// <summary>Runs a step as the host does: one scope for each objective, backward before the next, an update where an objective ends one.</summary>
    public SmallRun Descend(GrpoMethod method, int index = 0)
    {
        using var step = Step(index);
        using var objectives = new GrpoAlgorithm(method).Step(step).GetEnumerator();
        while (true)
        {
            using var scope = NewDisposeScope();
            if (!objectives.MoveNext()) break;
            (objectives.Current.Loss * objectives.Current.Share).backward();
            Objectives.Add(Saved(objectives.Current));
            if (objectives.Current.EndsUpdate) Update(this);
        }
        return this;
    }

    /// <summary>Moves a weight as an optimizer does.</summary>
    public static void Set(Tensor weight, double value)
    {
        using var _ = no_grad();
        weight.fill_(value);
    }

    private MicroBatch Batch(int micro, int[] groups, RandomKey key) => new(this)
    {
        Index = micro,
        Prompts = [.. groups.Select(static group => new Prompt(group, $"prompt {group}"))],
        Samples = Numbers(micro, groups),
        Noise = RandomKey.NormalOfEach(Numbers(micro, groups).Select(sample => key.For("sample", sample).For("noise")), Shape, CPU).to(float64),
        Schedule = Schedule,
        Sampler = Sampler,
        Random = key.For("micro-batch", micro).For("algorithm"),
        StepKey = key,
    };

    private long[] Numbers(int micro, int[] groups) => [.. Enumerable.Range(Groups.Take(micro).Sum(static before => before.Length), groups.Length)];

    public Tensor Velocity(MicroBatch batch, Tensor latents, IReadOnlyList<double> sigmas, bool guided)
    {
        Calls.Add((batch.Index, Schedule.Sigmas.IndexOf(sigmas[0]), is_grad_enabled(), latents.detach().DetachFromDisposeScope()));
        return _network.Evaluate(latents, sigmas);
    }

    public Scores Score(MicroBatch batch, Tensor latents) => Scores.Of(Reward(latents));

    public Tensor Pictures(MicroBatch batch, int number) => throw new NotSupportedException();

    public Tensor? Sampled(MicroBatch batch) => null;

    public IDisposable Use(string policy)
    {
        Assert.Equal(PolicyCopy.Reference, policy);
        ReferenceCalls++;
        var (a, b) = (A.item<double>(), B.item<double>());
        Set(A, Reference.A);
        Set(B, Reference.B);
        return new Restore(() =>
        {
            Set(A, a);
            Set(B, b);
        });
    }

    private static Objective Saved(Objective objective)
    {
        var saved = new Objective(
            objective.Loss.detach().DetachFromDisposeScope(),
            [.. objective.Measurements.Select(static measured => new Contracts.Algorithms.Measurement(measured.Name, measured.Value.clone().DetachFromDisposeScope()))]).Times(objective.Share);
        return objective.EndsUpdate ? saved.Updating() : saved;
    }

    private sealed class Restore(Action restore) : IDisposable
    {
        public void Dispose() => restore();
    }
}
