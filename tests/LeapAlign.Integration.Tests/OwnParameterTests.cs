using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Weights;
using static TorchSharp.torch;

namespace LeapAlign.Integration.Tests;

/// <summary>Parameters that an algorithm brings are trained beside the model's.</summary>
public sealed class OwnParameterTests
{
    [Fact]
    public void They_move_at_their_own_rate_and_are_kept_while_the_step_tells_the_rate_of_the_model()
    {
        const double rate = 0.25;
        using var scope = NewDisposeScope();
        var own = new Parameter("scale", ParameterRole.Bias, ones(2).requires_grad_());
        double plain;
        using (var without = new SteppedRun(InProcessRun.Plan(SteppedRun.Settings).With(ScriptedRun.Algorithm(static step => step.Average(static batch => Velocity(batch)), [])))) plain = without.Step().Rate;
        using var run = new SteppedRun(InProcessRun.Plan(SteppedRun.Settings).With(new Owner(own, rate)));
        Assert.Equal(plain, run.Step().Rate);
        Assert.NotEqual(rate, plain);
        // The first update of adamw moves by the rate, whatever the gradient is.
        Assert.All(own.Value.detach().data<float>().ToArray(), static value => Assert.Equal(1 - rate, value, 1e-4));
        Assert.Equal(["policy", "average", "optimizer", "own", "own-optimizer"], run.Training.States.Select(static state => state.Name).Take(5));
        Assert.Null(own.Value.grad);
    }

    private static Objective Velocity(MicroBatch batch) => new(batch.Network(batch.Noise, [0.5]).square().mean());

    private sealed class Owner(Parameter own, double rate) : IAlgorithm
    {
        public ParameterSet Parameters { get; } = new([own]);

        public double? ParameterRate => rate;

        public IEnumerable<Objective> Step(AlignmentStep step) => step.Average(batch => new Objective(Velocity(batch).Loss + own.Value.sum()));
    }
}
