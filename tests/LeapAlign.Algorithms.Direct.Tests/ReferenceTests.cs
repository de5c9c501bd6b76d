using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Samplers;
using LeapAlign.Samplers.FlowEuler;
using LeapAlign.Testing;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.Direct.Tests;

/// <summary>One update of each published trainer on a small SD3 transformer: what the reward saw, loss, gradients and network calls.</summary>
public sealed class ReferenceTests
{
    private static readonly ISampler Sampler = new FlowEulerSampler(new FlowEulerSettings());

    public static TheoryData<string> Refl() => [.. RecordedTrainer.Cases("refl")];

    public static TheoryData<string> DraftLv() => [.. RecordedTrainer.Cases("draft-lv")];

    public static TheoryData<string> Drtune() => [.. RecordedTrainer.Cases("drtune")];

    [Theory]
    [MemberData(nameof(Refl))]
    public void Refl_agrees_with_the_published_trainer(string name)
    {
        var step = 0;
        Compare(
            name,
            trainer =>
            {
                step = (int)trainer.Metric("refl_selected_idx");
                return new ReflAlgorithm(new ReflSettings { Hinge = Hinge(trainer) }, (_, _) => step);
            });
    }

    [Theory]
    [MemberData(nameof(DraftLv))]
    public void Draft_lv_agrees_with_the_published_trainer(string name) => Compare(
        name,
        static trainer => new DraftAlgorithm(
            new DraftSettings { Hinge = Hinge(trainer), ReNoised = (int)trainer.Number("draft_lv_num_noised_samples", 2) },
            (_, copy) => trainer.Recorded[FormattableString.Invariant($"drawn.{copy}")]));

    [Theory]
    [MemberData(nameof(Drtune))]
    public void Drtune_agrees_with_the_published_trainer(string name) => Compare(
        name,
        static trainer => new DrtuneAlgorithm(
            new DrtuneSettings { Hinge = Hinge(trainer) }, (_, _) => new DrtuneSteps((int)trainer.Metric("drtune_early_stop_idx"), trainer.GradientSteps)));

    [Fact]
    public void There_are_recorded_cases()
    {
        Assert.NotEmpty(Refl());
        Assert.NotEmpty(DraftLv());
        Assert.NotEmpty(Drtune());
    }

    private static double Hinge(RecordedTrainer trainer) => trainer.Expected.GetProperty("hinge").GetDouble();

    private static void Compare(string name, Func<RecordedTrainer, IAlgorithm> algorithm)
    {
        using var scope = NewDisposeScope();
        using var trainer = new RecordedTrainer(name);
        trainer.Compare(trainer.Descend(algorithm(trainer), Sampler));
        trainer.CompareCalls();
    }
}
