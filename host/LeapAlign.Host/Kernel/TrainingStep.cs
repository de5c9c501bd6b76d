using System.Diagnostics;
using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Optimizers;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Host.Composition;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Host.Kernel;

/// <summary>
/// One optimizer step: micro-batches, backward on each objective before the next is asked for, clipping, the non-finite guard, update. Synchronous, on
/// one thread, in one dispose scope for each micro-batch.
/// </summary>
internal sealed class TrainingStep(RunPlan plan, RunParts parts, IOptimization optimization, StageClock clock, Device device)
{
    private readonly RandomKey _key = RandomKey.OfRun(plan.Run.Seed);
    private readonly PromptOrder _order = new(parts.Prompts, RandomKey.OfRun(plan.Run.Seed).For("prompts"));
    private readonly Schedule _schedule = parts.Sampler.CreateSchedule(parts.Model.Scheduling);
    private readonly Scoring _scoring = new(parts.Model, parts.Rewards, clock);

    public StepReport Run(int index, long[] latentShape)
    {
        var started = Stopwatch.GetTimestamp();
        var evaluations = clock.Evaluations;
        Means rewards = new(), measurements = new();
        var loss = 0.0;
        for (var micro = 0; micro < plan.Run.Accumulation; micro++) loss += Accumulate(index, micro, latentShape, rewards, measurements);
        var norm = clock.Measure("clip", Clip);
        if (!double.IsFinite(norm) || !double.IsFinite(loss)) throw new FaultException(NotFinite(index, loss, norm, rewards));
        var rate = clock.Measure("update", () => optimization.Update(index));
        GradientClip.Clear(parts.Model.Parameters);
        clock.Measure("refresh", parts.Model.Refresh);
        return new StepReport
        {
            Index = index,
            Loss = loss,
            Rewards = rewards.Values,
            Measurements = measurements.Values,
            GradientNorm = norm,
            Rate = rate,
            Evaluations = clock.Evaluations - evaluations,
            Seconds = Stopwatch.GetElapsedTime(started).TotalSeconds,
            Stages = clock.Take(),
        };
    }

    private double Accumulate(int index, int micro, long[] latentShape, Means rewards, Means measurements)
    {
        using var scope = NewDisposeScope();
        var batch = plan.Run.Batch;
        var prompts = _order.Take((((long)index * plan.Run.Accumulation) + micro) * batch, batch);
        var key = _key.For("step", index).For("micro-batch", micro);
        using var conditioning = clock.Measure("encode", () => parts.Model.Encode([.. prompts.Select(static prompt => prompt.Text)], plan.Guidance));
        var step = new AlignmentStep
        {
            Index = index,
            Noise = key.For("rank", 0).For("noise").Normal([batch, .. latentShape], device),
            Schedule = _schedule,
            Sampler = parts.Sampler,
            Velocity = Evaluated(conditioning),
            Score = _scoring.For(prompts, rewards.Add),
            Random = key.For("algorithm"),
        };
        var loss = 0.0;
        foreach (var objective in clock.Measure("algorithm", () => parts.Algorithm.Step(step)))
        {
            var share = plan.Run.Accumulation == 1 ? objective.Loss : objective.Loss / plan.Run.Accumulation;
            clock.Measure("backward", () => share.backward());
            loss += share.item<float>();
            foreach (var measured in objective.Measurements) measurements.Add(measured.Name, measured.Value);
        }
        return loss;
    }

    private Velocity Evaluated(Conditioning conditioning) => (latents, step) =>
    {
        clock.Count(conditioning.EvaluationsPerVelocity);
        return clock.Measure("velocity", () => parts.Model.Velocity(latents, _schedule.Sigma(step), conditioning));
    };

    private double Clip()
    {
        using var norm = GradientClip.Apply(parts.Model.Parameters, plan.Run.ClipNorm);
        return norm.to(ScalarType.Float64).item<double>();
    }

    private static Fault.Run NotFinite(int index, double loss, double norm, Means rewards) => new(
        FaultCodes.NotFinite,
        $"step {index + 1}: loss {loss:G6}, gradient norm {norm:G6}, {string.Join(", ", rewards.Values.Select(pair => $"{pair.Key} {pair.Value:G6}"))}; the weights were left as they were before it");

    /// <summary>Means over everything that was added under a name.</summary>
    private sealed class Means
    {
        private readonly Dictionary<string, (double Sum, long Count)> _sums = [];

        public IReadOnlyDictionary<string, double> Values => _sums.ToDictionary(static pair => pair.Key, static pair => pair.Value.Sum / pair.Value.Count);

        public void Add(string name, Tensor values)
        {
            using var sum = values.detach().to(ScalarType.Float64).sum();
            var (total, count) = _sums.GetValueOrDefault(name);
            _sums[name] = (total + sum.item<double>(), count + values.numel());
        }
    }
}
