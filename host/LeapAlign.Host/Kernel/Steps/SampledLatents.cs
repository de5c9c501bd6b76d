using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Samplers;
using static TorchSharp.torch;

namespace LeapAlign.Host.Kernel.Steps;

/// <summary>
/// Keeps what was last sampled for each micro-batch of a step, for objectives beside the algorithm's: one state of each, without gradient. A piece of a path and a
/// part of the samples do not count.
/// </summary>
internal sealed class SampledLatents : IDisposable
{
    private readonly Dictionary<int, Tensor> _last = [];

    /// <summary>What was sampled for a micro-batch; null where nothing was.</summary>
    public Tensor? Of(MicroBatch batch) => _last.GetValueOrDefault(batch.Index);

    /// <summary>A sampler that keeps the ends of the paths of a micro-batch.</summary>
    /// <param name="sampler">What samples.</param>
    /// <param name="index">The number of the micro-batch.</param>
    /// <param name="samples">Its samples.</param>
    public ISampler Watching(ISampler sampler, int index, int samples) =>
        sampler is IStochasticSampler stochastic ? new WatchedStochastic(this, stochastic, (index, samples)) : new Watched(this, sampler, (index, samples));

    /// <summary>Forgets the step.</summary>
    public void Clear()
    {
        foreach (var latents in _last.Values) latents.Dispose();
        _last.Clear();
    }

    public void Dispose() => Clear();

    private Tensor Keep(Tensor latents, SamplingPath path, (int Index, int Samples) batch)
    {
        if (path.To != path.Schedule.Steps || latents.shape[0] != batch.Samples) return latents;
        if (_last.Remove(batch.Index, out var before)) before.Dispose();
        _last[batch.Index] = latents.detach().DetachFromDisposeScope();
        return latents;
    }

    private class Watched(SampledLatents all, ISampler sampler, (int Index, int Samples) batch) : ISampler
    {
        public Schedule CreateSchedule(FlowScheduling scheduling, int? steps = null) => sampler.CreateSchedule(scheduling, steps);

        public Tensor Roll(Tensor latents, SamplingPath path) => all.Keep(sampler.Roll(latents, path), path, batch);
    }

    private sealed class WatchedStochastic(SampledLatents all, IStochasticSampler sampler, (int Index, int Samples) batch) : Watched(all, sampler, batch), IStochasticSampler
    {
        public Transition Transition(Tensor latents, Tensor velocity, Schedule schedule, int step) => sampler.Transition(latents, velocity, schedule, step);
    }
}
