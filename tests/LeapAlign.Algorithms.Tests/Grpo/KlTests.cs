using LeapAlign.Algorithms.Grpo.Settings;
using LeapAlign.Contracts.Samplers;
using LeapAlign.Testing;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.Grpo.Tests;

/// <summary>The KL term alone: equal rewards leave nothing else.</summary>
public sealed class KlTests
{
    private const double Weight = 0.3;

    public static TheoryData<KlForm, string> Forms()
    {
        TheoryData<KlForm, string> all = [];
        foreach (var form in Enum.GetValues<KlForm>())
        {
            foreach (var sampler in (string[])["flow-sde", "dance-sde", "cps"]) all.Add(form, sampler);
        }
        return all;
    }

    [Theory]
    [MemberData(nameof(Forms))]
    public void At_the_reference_the_term_and_its_gradient_are_zero(KlForm form, string sampler)
    {
        using var scope = NewDisposeScope();
        var run = Run(form, sampler, reference: 0.6);
        Assert.NotEmpty(run.Objectives);
        Assert.All(run.Objectives, static objective => Assert.Equal(0, objective.Loss.item<double>()));
        Assert.Equal((0, 0), run.Gradients);
        Assert.Equal(run.Objectives.Count, run.ReferenceCalls);
    }

    [Theory]
    [MemberData(nameof(Forms))]
    public void Away_from_the_reference_it_has_its_value_and_draws_the_weights_back(KlForm form, string sampler)
    {
        using var scope = NewDisposeScope();
        // v − v_ref = (0.6 − a_ref) x.
        const double away = 0.25;
        var run = Run(form, sampler, reference: 0.6 - away);
        var (value, gradient) = (0.0, 0.0);
        foreach (var (_, index, _, latents) in run.Calls.Where(static call => call.Gradient))
        {
            var slope = form == KlForm.V ? 1 : GradientTests.Slope(run, index).Slope;
            var factor = Factor(form, run, index) * slope * slope;
            var squares = latents.square().mean().item<double>();
            value += factor * away * away * squares;
            gradient += 2 * factor * away * squares;
        }
        Assert.Equal(value / run.Objectives.Count, run.Objectives.Average(static objective => RecordedTrainer.Measured(objective, "kl").mean().item<double>()), 1e-10);
        Assert.Equal(Weight * value / run.Objectives.Count, run.Objectives.Sum(static objective => objective.Loss.item<double>() * objective.Share), 1e-10);
        Assert.Equal(Weight * gradient / run.Objectives.Count, run.Gradients.A, 1e-10);
        Assert.True(run.Gradients.A > 1e-6);
    }

    [Fact]
    public void The_form_of_flow_grpo_is_the_divergence_of_the_two_normal_distributions_times_the_length_of_the_step()
    {
        using var scope = NewDisposeScope();
        var run = Run(KlForm.FlowGrpo, "flow-sde", reference: 0.6);
        for (var step = 0; step < run.Schedule.Steps; step++)
        {
            var c = GradientTests.Slope(run, step).Deviation;
            var exact = 1 / (2 * c * c);
            Assert.Equal(exact * -run.Schedule.Delta(step, step + 1), Factor(KlForm.FlowGrpo, run, step), 1e-9);
        }
    }

    private static double Factor(KlForm form, SmallRun run, int step) => form == KlForm.FlowGrpo ? 1 / (2 * Math.Pow(Transition(run, step).Scale, 2)) : 1;

    private static Transition Transition(SmallRun run, int step) => run.Sampler.Transition(zeros(1, 1), zeros(1, 1), run.Schedule, step);

    private static SmallRun Run(KlForm form, string sampler, double reference)
    {
        var run = new SmallRun
        {
            Sampler = GradientTests.Sampler(sampler),
            Reference = (reference, -0.4),
            Reward = static latents => ones(latents.shape[0], dtype: float64),
        };
        return run.Descend(GrpoMethod.FlowGrpo(new FlowGrpoSettings { KlWeight = Weight, Kl = form, Updates = 1 }));
    }
}
