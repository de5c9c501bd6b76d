using System.Globalization;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Samplers.FlowEuler;
using LeapAlign.Testing;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.Direct.Tests;

/// <summary>Updates of the published trainers on a small SD3 transformer: what the reward saw, loss, gradients and network calls.</summary>
public sealed class ReferenceTests
{
    private static readonly FlowEulerSampler Sampler = new(new FlowEulerSettings());

    public static TheoryData<string> ReflCases() => [.. RecordedTrainer.Cases("refl")];

    public static TheoryData<string> DraftCases() => [.. RecordedTrainer.Cases("draft-lv")];

    public static TheoryData<string> DrtuneCases() => [.. RecordedTrainer.Cases("drtune")];

    [Theory]
    [MemberData(nameof(ReflCases))]
    public void Refl_agrees_with_the_published_trainer(string name)
    {
        using var scope = NewDisposeScope();
        using var trainer = new RecordedTrainer(name);
        var settings = new ReflSettings { Hinge = Hinge(trainer), LastSteps = (int)trainer.Number("refl_last_n_steps", 11) };
        var step = (int)trainer.Metric("refl_selected_idx");
        trainer.Compare(trainer.Descend(new ReflAlgorithm(settings, (_, _) => step), Sampler));
        trainer.CompareCalls();
        Assert.Contains(step, Keys().Select(key => ReflAlgorithm.Draw(settings, key, trainer.Schedule.Steps)));
    }

    [Theory]
    [MemberData(nameof(DraftCases))]
    public void Draft_lv_agrees_with_the_published_trainer(string name)
    {
        using var scope = NewDisposeScope();
        using var trainer = new RecordedTrainer(name);
        var settings = new DraftSettings { Hinge = Hinge(trainer), ReNoised = (int)trainer.Number("draft_lv_num_noised_samples", 2) };
        var drawn = new Queue<string>(trainer.Recorded.Under("drawn.").OrderBy(static number => int.Parse(number, CultureInfo.InvariantCulture)));
        trainer.Compare(trainer.Descend(new DraftAlgorithm(settings, (_, _) => trainer.Recorded["drawn." + drawn.Dequeue()]), Sampler));
        trainer.CompareCalls();
        Assert.Empty(drawn);
    }

    [Theory]
    [MemberData(nameof(DrtuneCases))]
    public void Drtune_agrees_with_the_published_trainer(string name)
    {
        using var scope = NewDisposeScope();
        using var trainer = new RecordedTrainer(name);
        var stopAt = (int)trainer.Number("drtune_early_stop_steps", 0);
        var settings = new DrtuneSettings
        {
            Hinge = Hinge(trainer),
            TrainedSteps = (int)trainer.Number("drtune_num_train_steps", 3),
            EarlyStopRatio = trainer.Number("drtune_early_stop_ratio", 0.4),
            EarlyStopSteps = stopAt > 0 ? stopAt : null,
        };
        var choice = new DrtuneSteps((int)trainer.Metric("drtune_early_stop_idx"), trainer.GradientSteps);
        trainer.Compare(trainer.Descend(new DrtuneAlgorithm(settings, (_, _) => choice), Sampler));
        trainer.CompareCalls();
        Assert.Contains(
            Keys().Select(key => DrtuneSteps.Draw(settings, key, trainer.Schedule.Steps)),
            drawn => drawn.Stop == choice.Stop && drawn.Trained.SequenceEqual(choice.Trained));
    }

    [Fact]
    public void There_are_recorded_cases()
    {
        Assert.NotEmpty(ReflCases());
        Assert.NotEmpty(DraftCases());
        Assert.NotEmpty(DrtuneCases());
    }

    private static double Hinge(RecordedTrainer trainer) => trainer.Expected.GetProperty("hinge").GetDouble();

    /// <summary>Enough keys to see every draw of a short schedule.</summary>
    private static IEnumerable<RandomKey> Keys() => Enumerable.Range(0, 2000).Select(static index => RandomKey.OfRun(index));
}
