using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Ranks;
using LeapAlign.Host.Configuration.Sections;
using LeapAlign.Host.Kernel;
using static TorchSharp.torch;

namespace LeapAlign.Integration.Tests;

/// <summary>Processes that share a step: here threads, each with a model of its own.</summary>
public sealed class RankTests
{
    [Fact]
    public void Two_processes_make_the_step_of_one_that_does_the_work_of_both()
    {
        var alone = Run(accumulation: 2, OneProcess.Instance);
        using var world = new Together(2);
        var both = new (float[] Weights, StepReport Report)[2];
        var threads = both.Select((_, rank) => new Thread(() => both[rank] = Run(accumulation: 1, world.Of(rank)))).ToList();
        threads.ForEach(static thread => thread.Start());
        threads.ForEach(static thread => thread.Join());
        Assert.Equal(both[0].Weights, both[1].Weights);
        Assert.Equal(alone.Weights, both[0].Weights);
        Assert.All(both, run =>
        {
            Assert.Equal(alone.Report.Loss, run.Report.Loss, 1e-12);
            Assert.Equal(alone.Report.GradientNorm, run.Report.GradientNorm);
            Assert.Equal(alone.Report.Measurements["mean"], run.Report.Measurements["mean"], 1e-9);
        });
    }

    [Fact]
    public void A_gradient_that_is_not_finite_in_one_process_is_refused_in_both()
    {
        using var world = new Together(2);
        var skipped = new int[2];
        var threads = skipped.Select((_, rank) => new Thread(() => skipped[rank] = Run(1, world.Of(rank), rank == 1 ? float.NaN : 1, steps: 1).Report.Skipped)).ToList();
        threads.ForEach(static thread => thread.Start());
        threads.ForEach(static thread => thread.Join());
        Assert.Equal([1, 1], skipped);
    }

    private static (float[] Weights, StepReport Report) Run(int accumulation, ICommunicator communicator, float factor = 1, int steps = 2)
    {
        using var scope = NewDisposeScope();
        var settings = new RunSettings { Steps = steps, Batch = 2, Accumulation = accumulation };
        using var run = new ScriptedRun(settings, (step, _) => step.Average(batch => Loss(batch, factor)), guard: new GuardSettings { NotFinite = "skip" }, communicator: communicator);
        StepReport? report = null;
        for (var step = 0; step < steps; step++) report = run.Step();
        return (run.Weight.detach().flatten().data<float>().ToArray(), report!);
    }

    // Of prompts and noise, which differ from sample to sample.
    private static Objective Loss(MicroBatch batch, float factor)
    {
        var velocity = batch.Network(batch.Noise, [0.5]);
        return new Objective(velocity.square().mean() * factor, new Measurement("mean", velocity.detach().mean()));
    }

    /// <summary>A communicator between threads.</summary>
    private sealed class Together(int world) : IDisposable
    {
        private readonly Barrier _barrier = new(world);
        private readonly IReadOnlyList<Tensor>[] _given = new IReadOnlyList<Tensor>[world];

        public ICommunicator Of(int rank) => new Member(this, rank, world);

        public void Dispose() => _barrier.Dispose();

        private sealed class Member(Together all, int rank, int world) : ICommunicator
        {
            public int Rank => rank;

            public int World => world;

            public void Sum(IReadOnlyList<Tensor> tensors)
            {
                using var scope = NewDisposeScope();
                var sums = Exchange(tensors, static given => given.Aggregate(static (left, right) => left + right));
                foreach (var (tensor, sum) in tensors.Zip(sums)) tensor.copy_(sum);
            }

            public IReadOnlyList<Tensor> Gather(Tensor tensor) => Exchange([tensor], static given => stack(given.Select(static one => one.clone())))[0].unbind();

            public void Broadcast(IReadOnlyList<Tensor> tensors)
            {
                using var scope = NewDisposeScope();
                foreach (var (tensor, first) in tensors.Zip(Exchange(tensors, static given => given[0].clone()))) tensor.copy_(first);
            }

            public void Barrier() => all._barrier.SignalAndWait();

            private List<Tensor> Exchange(IReadOnlyList<Tensor> tensors, Func<Tensor[], Tensor> join)
            {
                all._given[rank] = tensors;
                Barrier();
                List<Tensor> joined = [.. tensors.Select((_, place) => join([.. all._given.Select(given => given[place])]))];
                // Nobody changes what another still reads.
                Barrier();
                return joined;
            }
        }
    }
}
