using LeapAlign.Algorithms.FlowBp.Bridge;
using LeapAlign.Algorithms.FlowBp.Lagrange;
using LeapAlign.Algorithms.FlowBp.Sparse;
using LeapAlign.Contracts.Algorithms;
using LeapAlign.Methods.Leaps;
using LeapAlign.Samplers.FlowEuler;
using LeapAlign.Testing;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.FlowBp.Tests;

/// <summary>
/// One update of the published trainers on a small SD3 transformer: value, weight, loss, gradients, network calls and the trainers' own logs; as published, and
/// with the active steps recorded during the rollout.
/// </summary>
public sealed class ReferenceTests
{
    public static TheoryData<string, bool> SparseCases() => Cases("flowbp-sparse");

    public static TheoryData<string, bool> BridgeCases() => Cases("flowbp-bridge");

    public static TheoryData<string, bool> LagrangeCases() => Cases("flowbp-lagrange");

    [Theory]
    [MemberData(nameof(SparseCases))]
    public void Sparse_agrees_with_the_published_trainer(string name, bool reforward)
    {
        using var scope = NewDisposeScope();
        using var trainer = new RecordedTrainer(name);
        var settings = new SparseSettings
        {
            ActiveSteps = (int)trainer.Number("flowbp_sparse_num_active_steps", 3),
            LateBias = trainer.Number("flowbp_sparse_late_bias", 2),
            GradientRescale = trainer.Number("flowbp_sparse_grad_rescale", 0),
            TailRatio = trainer.Number("train_step_tail_ratio", 1),
            Hinge = Hinge(trainer),
            Reforward = reforward,
        };
        var objective = Compared(trainer, new SparseAlgorithm(settings, (_, _) => trainer.GradientSteps), reforward);

        CompareActive(objective, trainer);
        Same(trainer.Metric("d0"), objective.Measurement("distance_0"));
        var window = new SparseSteps(settings).Window(trainer.Schedule.Steps);
        Assert.Equal((trainer.Metric("train_step_start_idx"), trainer.Metric("train_step_end_idx")), (window.First, window.End));
        Assert.Equal(trainer.Metric("active_count"), new SparseSteps(settings).Draw(Contracts.Randomness.RandomKey.OfRun(0), trainer.Schedule.Steps).Count);
    }

    [Theory]
    [MemberData(nameof(BridgeCases))]
    public void Bridge_agrees_with_the_published_trainer(string name, bool reforward)
    {
        using var scope = NewDisposeScope();
        using var trainer = new RecordedTrainer(name);
        var settings = new BridgeSettings
        {
            Alpha = trainer.Number("alpha", 0.3),
            ActiveSteps = (int)trainer.Number("flowbp_sparse_num_active_steps", 4),
            LateBias = trainer.Number("flowbp_sparse_late_bias", 2),
            GradientRescale = trainer.Number("flowbp_sparse_grad_rescale", 0),
            TailRatio = trainer.Number("train_step_tail_ratio", 1),
            Hinge = Hinge(trainer),
            Reforward = reforward,
        };
        var j = (int)trainer.Metric("j_idx");
        var objective = Compared(trainer, new BridgeAlgorithm(settings, (_, _) => new(j, trainer.GradientSteps)), reforward);

        CompareActive(objective, trainer);
        Same(trainer.Metric("dj"), objective.Measurement("distance_j"));
        Same(trainer.Metric("d0"), objective.Measurement("distance_0"));
        var window = new BridgeSteps(settings).Window(trainer.Schedule.Steps);
        Assert.Equal(trainer.Metric("train_step_start_idx"), window.First);
        var split = BudgetSplit.Of(settings.ActiveSteps, j - window.First, window.End - j);
        Assert.Equal((trainer.Metric("pre_j_active_count"), trainer.Metric("post_j_active_count")), (split.Before, split.From));
    }

    [Theory]
    [MemberData(nameof(LagrangeCases))]
    public void Lagrange_agrees_with_the_published_trainer(string name, bool reforward)
    {
        using var scope = NewDisposeScope();
        using var trainer = new RecordedTrainer(name);
        var settings = Lagrange(trainer) with { Reforward = reforward };
        var pair = new LeapPair((int)trainer.Metric("k_idx"), (int)trainer.Metric("j_idx"));
        var objective = Compared(trainer, new LagrangeAlgorithm(settings, (_, _) => pair), reforward);

        Same(trainer.Metric("dj"), objective.Measurement("distance_j"));
        Same(trainer.Metric("d0"), objective.Measurement("distance_0"));
        Same(trainer.Metric("w_sim"), objective.Measurement("weight"));
        CompareLeap(objective, trainer, "kj", "j", Supports.Of(pair.K, pair.J, settings.Order), step => step < pair.J);
        CompareLeap(objective, trainer, "j0", "0", Supports.Of(pair.J, trainer.Schedule.Steps, settings.Order), step => step >= pair.J);
    }

    [Fact]
    public void There_are_recorded_cases()
    {
        Assert.NotEmpty(SparseCases());
        Assert.NotEmpty(BridgeCases());
        Assert.NotEmpty(LagrangeCases());
    }

    private static LagrangeSettings Lagrange(RecordedTrainer trainer) => new()
    {
        Alpha = trainer.Number("alpha", 0.3),
        Tau = trainer.Number("tau", 0.1),
        Order = (int)trainer.Number("flowbp_lagrange_connector_order", 4),
        // The trainer's adams_bashforth takes the same supports and gives the same weights as lagrange.
        Weights = trainer.Word("flowbp_lagrange_weight_scheme", "lagrange") == "uniform" ? SupportWeights.Uniform : SupportWeights.Lagrange,
        SupportMode = Enum.Parse<SupportMode>(trainer.Word("flowbp_lagrange_grad_support_mode", "start"), ignoreCase: true),
        SupportScale = trainer.Number("flowbp_lagrange_grad_support_scale", 1),
        MaxActiveSupports = (int)trainer.Number("flowbp_lagrange_max_active_supports", 0) is > 0 and var most ? most : null,
        GradientRescale = trainer.Number("flowbp_lagrange_grad_rescale", 0),
        AnchorLambda = trainer.Number("flowbp_lagrange_anchor_lambda", 1),
        Hinge = Hinge(trainer),
    };

    private static double Hinge(RecordedTrainer trainer) => trainer.Expected.GetProperty("hinge").GetDouble();

    private static TheoryData<string, bool> Cases(string id)
    {
        var cases = new TheoryData<string, bool>();
        foreach (var name in RecordedTrainer.Cases(id))
        {
            cases.Add(name, true);
            cases.Add(name, false);
        }
        return cases;
    }

    private static Objective Compared(RecordedTrainer trainer, IAlgorithm algorithm, bool reforward)
    {
        var objectives = trainer.Descend(algorithm, new FlowEulerSampler(new FlowEulerSettings()));
        trainer.Compare(objectives);
        if (reforward) trainer.CompareCalls();
        return Assert.Single(objectives);
    }

    private static void CompareActive(Objective objective, RecordedTrainer trainer)
    {
        var active = objective.Active();
        Assert.Equal((trainer.Metric("active_count"), trainer.Metric("active_min_idx"), trainer.Metric("active_max_idx")), (active.Length, active.Min(), active.Max()));
        Same(trainer.Metric("active_mean_idx"), active.Average());
        Same(trainer.Metric("grad_rescale_factor"), objective.Measurement("gradient_factor"));
    }

    private static void CompareLeap(Objective objective, RecordedTrainer trainer, string logged, string end, int[] supports, Func<long, bool> within)
    {
        Same(trainer.Metric($"{logged}_start_weight"), objective.Measurement($"start_weight_{end}"));
        Same(trainer.Metric($"{logged}_weight_abs_sum"), objective.Measurement($"weight_sum_{end}"));
        Same(trainer.Metric($"{logged}_grad_rescale"), objective.Measurement($"gradient_factor_{end}"));
        Assert.Equal(trainer.Metric($"{logged}_support_count"), supports.Length);
        long[] active = [.. objective.Active().Where(within)];
        Assert.Equal(trainer.Metric($"{logged}_active_support_count"), active.Length);
        Assert.Equal(trainer.Metric($"{logged}_active_support_min"), active.DefaultIfEmpty(-1).Min());
        Assert.Equal(trainer.Metric($"{logged}_active_support_max"), active.DefaultIfEmpty(-1).Max());
    }

    private static void Same(double expected, double actual) => Agreement.Values(tensor(actual), tensor(expected), "a logged number");
}
