using LeapAlign.Contracts.Algorithms;
using LeapAlign.Samplers.FlowEuler;
using LeapAlign.Testing;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.Direct.Tests;

/// <summary>The scalar linear network: what each method descends, against derivatives worked out by hand.</summary>
public sealed class OracleTests
{
    private const double Hinge = 100;
    private static readonly FlowEulerSampler Sampler = new(new FlowEulerSettings());

    public static TheoryData<string, IAlgorithm, double, double, double> Rows() => new()
    {
        { "refl at 2", Refl(2), 0.9708, -0.622, -0.25 },
        { "draft 1", Draft(1), 0.9664704, -0.216016, -0.04 },
        { "draft 2", Draft(2), 0.9664704, -0.544432, -0.172 },
        { "draft 4", Draft(4), 0.9664704, -1.0250176, -0.4635264 },
        { "draft 2, checkpoint", Draft(2, checkpoint: true), 0.9664704, -0.544432, -0.172 },
        { "full", new FullAlgorithm(new FullSettings { Hinge = Hinge }), 0.9664704, -1.0250176, -0.4635264 },
        { "drtune to 2 with {0, 2}", Drtune(2, 0, 2), 0.9708, -0.922, -0.45 },
    };

    [Theory]
    [MemberData(nameof(Rows))]
    public void Derivatives_of_the_predicted_sample(string name, IAlgorithm algorithm, double value, double expectedA, double expectedB)
    {
        using var scope = NewDisposeScope();
        var (objectives, a, b) = new ScalarNetwork().Descend(algorithm, Sampler);
        // The hinge turns the reward's sign: loss = λ − x̂_0.
        Assert.True(Math.Abs(-a - expectedA) <= 1e-12 && Math.Abs(-b - expectedB) <= 1e-12, $"{name}: d/da {-a}, d/db {-b}");
        Assert.Equal(value, RecordedTrainer.Measured(objectives[0], "reward").item<double>(), 1e-12);
    }

    [Fact]
    public void Drtune_is_additive_over_the_trained_set()
    {
        var (_, both, _) = new ScalarNetwork().Descend(Drtune(3, 0, 2), Sampler);
        var (_, first, _) = new ScalarNetwork().Descend(Drtune(3, 0), Sampler);
        var (_, second, _) = new ScalarNetwork().Descend(Drtune(3, 2), Sampler);
        Assert.Equal(first + second, both, 1e-12);
        Assert.NotEqual(0, first);
        Assert.NotEqual(0, second);
    }

    [Fact]
    public void Samples_above_the_hinge_contribute_nothing()
    {
        foreach (var algorithm in new IAlgorithm[] { Refl(2, 0.9), Draft(2, hinge: 0.9), new FullAlgorithm(new FullSettings { Hinge = 0.9 }), Drtune(2, [0, 2], 0.9) })
        {
            var (objectives, a, b) = new ScalarNetwork().Descend(algorithm, Sampler);
            Assert.Equal((0, 0, 0), (objectives[0].Loss.item<double>(), a, b));
        }
    }

    [Fact]
    public void Steps_and_counts_are_measured()
    {
        var (objectives, _, _) = new ScalarNetwork().Descend(Drtune(3, 0, 2), Sampler);
        Assert.Equal(3, RecordedTrainer.Measured(objectives[0], "stop").item<long>());
        Assert.Equal(2, RecordedTrainer.Measured(objectives[0], "trained").item<long>());
        Assert.Equal(2, RecordedTrainer.Measured(new ScalarNetwork().Descend(Refl(2), Sampler).Objectives[0], "step").item<long>());
    }

    private static ReflAlgorithm Refl(int step, double hinge = Hinge) => new(new ReflSettings { Hinge = hinge }, (_, _) => step);

    private static DraftAlgorithm Draft(int k, bool checkpoint = false, double hinge = Hinge) =>
        new(new DraftSettings { Hinge = hinge, GradientSteps = k, Checkpoint = checkpoint }, static (MicroBatch _, int _) => throw new InvalidOperationException("nothing is re-noised"));

    private static DrtuneAlgorithm Drtune(int stop, params int[] trained) => Drtune(stop, trained, Hinge);

    private static DrtuneAlgorithm Drtune(int stop, int[] trained, double hinge) =>
        new(new DrtuneSettings { Hinge = hinge }, (_, _) => new DrtuneSteps(stop, trained));
}
