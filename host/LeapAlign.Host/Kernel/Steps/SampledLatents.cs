using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Objectives;
using LeapAlign.Contracts.Samplers;
using static TorchSharp.torch;

namespace LeapAlign.Host.Kernel.Steps;

/// <summary>
/// Keeps what was last sampled for each micro-batch of a step, for objectives beside the algorithm's: the end of a whole path, and the states on the way that they ask
/// for, without gradient. A part of the samples does not count.
/// </summary>
/// <param name="objectives">The objectives of the run.</param>
internal sealed class SampledLatents(IReadOnlyList<IObjective> objectives) : IDisposable
{
    private readonly Dictionary<int, Tensor> _last = [];
    private readonly Dictionary<(int Batch, int Step), Tensor?> _states = [];

    /// <summary>What was sampled for a micro-batch; null where nothing was.</summary>
    public Tensor? Of(MicroBatch batch) => _last.GetValueOrDefault(batch.Index);

    /// <summary>A state of a micro-batch on the way; null where it did not come by, or nobody asked for it.</summary>
    public Tensor? Of(MicroBatch batch, int step) => _states.GetValueOrDefault((batch.Index, step));

    /// <summary>Begins a step: objectives say which states they want.</summary>
    public void Begin(AlignmentStep step)
    {
        Clear();
        foreach (var objective in objectives.OfType<IPathObjective>())
        {
            foreach (var batch in step.Batches)
            {
                foreach (var at in objective.States(batch)) _states[(batch.Index, at)] = null;
            }
        }
    }

    /// <summary>A sampler that keeps the ends of the paths of a micro-batch.</summary>
    /// <param name="sampler">What samples.</param>
    /// <param name="index">The number of the micro-batch.</param>
    /// <param name="samples">Its samples.</param>
    public ISampler Watching(ISampler sampler, int index, int samples) => sampler switch
    {
        ISpeculativeSampler speculative => new WatchedSpeculative(this, speculative, (index, samples)),
        IStochasticSampler stochastic => new WatchedStochastic(this, stochastic, (index, samples)),
        _ => new WatchedSampler(this, sampler, (index, samples)),
    };

    /// <summary>Forgets the step.</summary>
    public void Clear()
    {
        foreach (var latents in _last.Values) latents.Dispose();
        foreach (var latents in _states.Values) latents?.Dispose();
        _last.Clear();
        _states.Clear();
    }

    public void Dispose() => Clear();

    private Tensor Keep(Tensor latents, SamplingPath path, (int Index, int Samples) batch)
    {
        if (path.To != path.Schedule.Steps || latents.shape[0] != batch.Samples) return latents;
        if (_last.Remove(batch.Index, out var before)) before.Dispose();
        _last[batch.Index] = latents.detach().DetachFromDisposeScope();
        return latents;
    }

    private SamplingPath Watched(SamplingPath path, (int Index, int Samples) batch) => _states.Count == 0 ? path : path with
    {
        Velocity = (latents, step) =>
        {
            See(latents, step, batch);
            return path.Velocity(latents, step);
        },
        Map = path.Map is null ? null : Watched(path.Map, batch),
        Passed = passed =>
        {
            See(passed.State, passed.Index, batch);
            path.Passed?.Invoke(passed);
        },
    };

    private MeanVelocity Watched(MeanVelocity map, (int Index, int Samples) batch) => (latents, from, to) =>
    {
        See(latents, from, batch);
        return map(latents, from, to);
    };

    private void See(Tensor latents, int step, (int Index, int Samples) batch)
    {
        if (latents.shape[0] != batch.Samples || !_states.TryGetValue((batch.Index, step), out var before)) return;
        before?.Dispose();
        // An alias: the sampler goes on to dispose its state.
        _states[(batch.Index, step)] = latents.detach().DetachFromDisposeScope();
    }

    private class WatchedSampler(SampledLatents all, ISampler sampler, (int Index, int Samples) batch) : ISampler
    {
        public Schedule CreateSchedule(FlowScheduling scheduling, int? steps = null) => sampler.CreateSchedule(scheduling, steps);

        public Tensor Roll(Tensor latents, SamplingPath path) => all.Keep(sampler.Roll(latents, all.Watched(path, batch)), path, batch);
    }

    private class WatchedStochastic(SampledLatents all, IStochasticSampler sampler, (int Index, int Samples) batch) : WatchedSampler(all, sampler, batch), IStochasticSampler
    {
        public Transition Transition(Tensor latents, Tensor velocity, Schedule schedule, int step) => sampler.Transition(latents, velocity, schedule, step);
    }

    private sealed class WatchedSpeculative(SampledLatents all, ISpeculativeSampler sampler, (int Index, int Samples) batch) : WatchedStochastic(all, sampler, batch), ISpeculativeSampler
    {
        public bool DraftsForTeacher => sampler.DraftsForTeacher;
    }
}
