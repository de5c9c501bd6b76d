using LeapAlign.Algorithms.Grpo.Settings;
using LeapAlign.Algorithms.Grpo.Steps;
using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Rewards;
using LeapAlign.Methods.Groups;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.Grpo;

/// <summary>A method of the family: the parts in which its members differ.</summary>
/// <param name="Id">The word that plugins.json uses.</param>
/// <param name="Settings">Clip, KL, updates, normalisation of advantages.</param>
/// <param name="Steps">Which steps are random and trained.</param>
/// <param name="Ratio">How policies are compared.</param>
public sealed record GrpoMethod(string Id, GrpoSettings Settings, IStepChoice Steps, PolicyRatio Ratio)
{
    /// <summary>The noise z of a random step, in the shape of the states.</summary>
    public Func<MicroBatch, int, Tensor> DrawNoise { get; init; } = static (batch, step) => batch.Normal("sde", step);

    /// <summary>The advantage of each sample of each micro-batch.</summary>
    public Func<AlignmentStep, IReadOnlyList<Scores>, double[][]> Advantages { get; init; } =
        (step, scores) => GroupAdvantages.Of(step, scores, Settings);

    /// <summary>Flow-GRPO (arXiv 2505.05470).</summary>
    public static GrpoMethod FlowGrpo(FlowGrpoSettings settings) => new("flow-grpo", settings, new WholePath(), new PlainRatio());

    /// <summary>Flow-GRPO on a window that each micro-batch draws.</summary>
    public static GrpoMethod FlowGrpoFast(FlowGrpoFastSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        var window = new RandomWindow(settings.Window, steps => (settings.RangeStart, settings.RangeEnd ?? (steps / 2)), static (_, batch) => batch.Random);
        return new("flow-grpo-fast", settings, settings.Window == 0 ? new WholePath() : window, new PlainRatio());
    }

    /// <summary>MixGRPO (arXiv 2507.21802), without the compressed tail of its Flash variant.</summary>
    public static GrpoMethod MixGrpo(MixGrpoSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        IStepChoice window = settings.Start == WindowStart.Progressive
            ? new ProgressiveWindow(settings.Window, settings.IterationsPerMove, settings.Move)
            : new RandomWindow(settings.Window, static steps => (0, steps - 1), static (step, _) => step.Random);
        return new("mix-grpo", settings, window, new PlainRatio());
    }

    /// <summary>DanceGRPO (arXiv 2505.07818).</summary>
    public static GrpoMethod DanceGrpo(DanceGrpoSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        return new("dance-grpo", settings, new StepFraction(settings.TrainedFraction), new PlainRatio());
    }

    /// <summary>GRPO-Guard (arXiv 2510.22319).</summary>
    public static GrpoMethod GrpoGuard(GrpoGuardSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        return new("grpo-guard", settings, new WholePath(), new GuardRatio(settings.Reweight));
    }

    /// <summary>F per image: the rollout and the reference's evaluations; G: the trained steps.</summary>
    public NetworkCost Cost(int steps)
    {
        var trained = Steps.Trained(steps);
        return new(steps + (Settings.KlWeight > 0 ? trained : 0), trained, 0);
    }
}
