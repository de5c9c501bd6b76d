using LeapAlign.Methods.Leaps;
using LeapAlign.Samplers.FlowEuler;
using LeapAlign.Testing;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.LeapAlign.Tests;

/// <summary>One update of the published trainer on a small SD3 transformer: value, weight, loss, gradients and network calls.</summary>
public sealed class ReferenceTests
{
    public static TheoryData<string> Cases() => [.. RecordedTrainer.Cases("leapalign")];

    [Theory]
    [MemberData(nameof(Cases))]
    public void Agrees_with_the_published_trainer(string name)
    {
        using var scope = NewDisposeScope();
        using var trainer = new RecordedTrainer(name);
        var pair = new LeapPair((int)trainer.Metric("k_idx"), (int)trainer.Metric("j_idx"));
        var settings = new LeapAlignSettings
        {
            Alpha = trainer.Number("alpha", 0.3),
            Tau = trainer.Number("tau", 0.1),
            Hinge = trainer.Expected.GetProperty("hinge").GetDouble(),
        };
        var objectives = trainer.Descend(new LeapAlignAlgorithm(settings, (_, _) => pair), new FlowEulerSampler(new FlowEulerSettings()));

        trainer.Compare(objectives);
        trainer.CompareCalls();
        Agreement.Values(RecordedTrainer.Measured(objectives[0], "distance_j").mean(), tensor(trainer.Metric("dj")), "mean d_j");
        // The trainer logs d_0 after its connector in some versions; the recorded one is the distance of the raw prediction.
        Agreement.Values(RecordedTrainer.Measured(objectives[0], "distance_0").mean(), tensor(trainer.Metric("d0")), "mean d_0");
    }

    [Fact]
    public void There_are_recorded_cases() => Assert.NotEmpty(Cases());
}
