using LeapAlign.Contracts.Weights;
using LeapAlign.Host.Configuration.Sections;
using LeapAlign.Host.Kernel;
using LeapAlign.Host.Kernel.Steps;
using LeapAlign.Pipeline;
using LeapAlign.Testing;
using TorchSharp;
using static TorchSharp.torch;

namespace LeapAlign.Integration.Tests;

/// <summary>The run loop with the bundled parts.</summary>
public sealed class KernelTests
{
    [Fact]
    public void Tensors_alive_after_each_step_are_constant_over_fifty_steps()
    {
        using var parts = Recording.Require(RunParts.Create(InProcessRun.Plan(new RunSettings()), InProcessRun.Context));
        var observer = new LiveTensors();
        var plan = InProcessRun.Plan(new RunSettings { Steps = 50, Batch = 2 });
        using var kernel = new RunKernel(plan, parts, CPU, [observer]);
        Recording.Require(kernel.Run(CancellationToken.None));
        Assert.Equal(50, observer.Counts.Count);
        Assert.Single(observer.Counts.Skip(2).Distinct());
    }

    [Fact]
    public void Accumulation_averages_the_gradients_of_its_micro_batches()
    {
        using var scope = NewDisposeScope();
        // Micro-batches draw different noise; but the mean over the same micro-batch, once, twice or three times, is the micro-batch itself.
        var once = Gradients(1);
        Assert.NotEqual(0, once[0].norm().item<float>());
        foreach (var accumulation in new[] { 2, 3 })
        {
            foreach (var (one, many) in once.Zip(Gradients(accumulation))) Agreement.Values(many, one, $"{accumulation} times", 1e-5);
        }
    }

    // The gradients that have been added up when an algorithm is asked for an objective behind the last one.
    private static List<Tensor> Gradients(int accumulation)
    {
        List<Tensor> gradients = [];
        RunParts? parts = null;
        using var noise = Contracts.Randomness.RandomKey.OfRun(1).Normal([2, 4, 16, 16], CPU);
        IEnumerable<Contracts.Algorithms.Objective> Objectives(Contracts.Algorithms.AlignmentStep step)
        {
            foreach (var objective in step.Average(_ => new Contracts.Algorithms.Objective(step.Batches[0].Network(noise, [0.5]).square().mean()))) yield return objective;
            gradients.AddRange(parts!.Model.Parameters.Where(static parameter => parameter.Value.grad is not null).Select(static parameter => parameter.Value.grad!.clone().MoveToOuterDisposeScope().DetachFromDisposeScope()));
        }
        var plan = InProcessRun.Plan(new RunSettings { Steps = 1, Batch = 2, Accumulation = accumulation, ClipNorm = 1e9 }).With(new Scripted(Objectives));
        using (parts = Recording.Require(RunParts.Create(plan, InProcessRun.Context)))
        {
            using var kernel = new RunKernel(plan, parts, CPU, []);
            Recording.Require(kernel.Run(CancellationToken.None));
        }
        Assert.NotEmpty(gradients);
        return [.. gradients.Select(static gradient => gradient.alias())];
    }

    [Fact]
    public void A_weight_that_is_not_finite_stops_the_run_before_the_other_weights_change()
    {
        using var parts = Recording.Require(RunParts.Create(InProcessRun.Plan(new RunSettings()), InProcessRun.Context));
        using var scope = NewDisposeScope();
        var before = parts.Model.Parameters.Select(static parameter => parameter.Value.detach().clone()).ToList();
        using (no_grad()) parts.Model.Parameters[0].Value.mul_(float.NaN);
        parts.Model.Refresh();
        using var kernel = new RunKernel(InProcessRun.Plan(new RunSettings { Steps = 1, Batch = 2 }), parts, CPU, []);
        var fault = kernel.Run(CancellationToken.None).Match<Fault?>(static _ => null, static fault => fault);
        Assert.Equal(FaultCodes.NotFinite, fault?.Code);
        Assert.All(parts.Model.Parameters.Zip(before).Skip(1), static pair => Assert.True(pair.First.Value.detach().eq(pair.Second).all().item<bool>()));
    }

    [Fact]
    public void A_part_that_throws_in_a_step_is_a_fault_that_names_the_stage()
    {
        using var parts = Recording.Require(RunParts.Create(InProcessRun.Plan(new RunSettings()), InProcessRun.Context));
        using var kernel = new RunKernel(InProcessRun.Plan(new RunSettings { Steps = 2, Batch = 2 }), parts, CPU, [new Broken(parts)]);
        var fault = kernel.Run(CancellationToken.None).Match<Fault?>(static _ => null, static fault => fault);
        Assert.Equal(FaultCodes.StepThrew, fault?.Code);
        Assert.Contains("step 2", fault!.Message, StringComparison.Ordinal);
        Assert.Contains("the stage 'encode'", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Clipping_scales_to_the_limit_and_leaves_short_gradients_alone()
    {
        using var scope = NewDisposeScope();
        var parameter = zeros(3).requires_grad_();
        parameter.grad = tensor(new[] { 3f, 0f, 4f });
        ParameterSet parameters = new([new("w", ParameterRole.Norm, parameter), new("without", ParameterRole.Norm, zeros(2).requires_grad_())]);
        var norm = parameters.GradientNorm();
        Assert.Equal(5, norm.item<float>(), 1e-5);
        parameters.ClipGradients(norm, 10);
        Agreement.Values(parameter.grad!, tensor(new[] { 3f, 0f, 4f }), "unclipped", 1e-6);
        parameters.ClipGradients(norm, 1);
        Agreement.Values(parameter.grad!, tensor(new[] { 0.6f, 0f, 0.8f }), "clipped", 1e-6);
        parameters.ClearGradients();
        Assert.Null(parameter.grad);
    }

    [Fact]
    public void The_moving_average_has_its_closed_form()
    {
        using var scope = NewDisposeScope();
        var parameter = ones(1).requires_grad_();
        using var average = new MovingAverage(new([new("w", ParameterRole.Norm, parameter)]), 0.9);
        using (no_grad()) parameter.fill_(3);
        for (var step = 0; step < 5; step++) average.Update(step);
        Assert.Equal(3 - (2 * Math.Pow(0.9, 5)), average.Policy.Values[0].item<float>(), 1e-5);
    }

    private sealed class LiveTensors : IRunObserver
    {
        public List<long> Counts { get; } = [];

        public Result<Unit> Stepped(StepReport report)
        {
            Counts.Add(DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount);
            return Unit.Value;
        }
    }

    /// <summary>Takes the model away under the run's feet.</summary>
    private sealed class Broken(RunParts parts) : IRunObserver
    {
        public Result<Unit> Stepped(StepReport report)
        {
            ((IDisposable)parts.Model).Dispose();
            return Unit.Value;
        }
    }

    private sealed class Scripted(Func<Contracts.Algorithms.AlignmentStep, IEnumerable<Contracts.Algorithms.Objective>> script) : Contracts.Algorithms.IAlgorithm
    {
        public IEnumerable<Contracts.Algorithms.Objective> Step(Contracts.Algorithms.AlignmentStep step) => script(step);
    }
}
