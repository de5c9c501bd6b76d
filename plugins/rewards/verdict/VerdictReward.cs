using LeapAlign.Contracts.Estimators;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Rewards;
using LeapAlign.Pipeline;
using LeapAlign.Services.Programs;
using static TorchSharp.torch;

namespace LeapAlign.Rewards.Verdict;

/// <summary>1 for a picture that passed, 0 for one that failed, and not a number where there is no verdict: what another reward, or a program, says of it against a threshold. There is no gradient, unless it is asked for (<see cref="TrainableVerdict"/>).</summary>
public class VerdictReward : IReward, IPartialReward, IBoundedReward
{
    private readonly VerdictSettings _settings;
    private readonly IReward _measured;

    /// <summary>Judges what is measured.</summary>
    private protected VerdictReward(VerdictSettings settings, IReward measured) => (_settings, _measured) = (settings, measured);

    /// <inheritdoc/>
    public ScoreRange Range { get; } = new(0, 1);

    /// <summary>Finds the other reward, or the program.</summary>
    /// <returns>LA1023 unless one of both is named, LA3012 when there is no such reward, LA5028 when there is no such program, LA3021 when a gradient is asked for and there is none.</returns>
    public static Result<IReward> Create(VerdictSettings settings, PartContext context)
    {
        ArgumentNullException.ThrowIfNull(settings);
        ArgumentNullException.ThrowIfNull(context);
        if (settings.Lowest > settings.Highest) return Misread(context, FormattableString.Invariant($"lowest is {settings.Lowest} and highest {settings.Highest}; no number lies between"));
        return ((settings.Of, settings.Command) switch
        {
            (null, null) => Misread(context, "names neither a reward by 'of' nor a program by 'command'; expected one of them"),
            ({ }, { }) => Misread(context, "names a reward by 'of' and a program by 'command'; expected one of them"),
            ({ } other, null) => context.OtherReward(other),
            (null, { } command) => AskedProgram.Find(command, settings.Timeout, settings.MaxResponseBytes, context).Map(program => (IReward)new CheckedPictures(settings, context, program)),
        }).Bind(measured => (settings.Gradient, measured) switch
        {
            (HardGradient.None, _) => Result.Ok<IReward>(new VerdictReward(settings, measured)),
            (_, IDifferentiableReward) => Result.Ok<IReward>(new TrainableVerdict(settings, measured)),
            _ => new Fault.Composition(
                FaultCodes.VerdictWithoutGradient,
                $"reward '{context.Name}': gradient is straight-through, but {(settings.Of is { } other ? $"the reward '{other}' has no gradient" : "a program has none")}; set gradient to none, or of to a reward that has one"),
        });

        static Fault.Configuration Misread(PartContext context, string what) => new(FaultCodes.VerdictOfWhat, $"reward '{context.Name}': {what}");
    }

    /// <inheritdoc/>
    public virtual Tensor Score(Tensor images, IReadOnlyList<Prompt> prompts)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        using TorchSharp.Scalar threshold = _settings.Threshold;
        var scores = Measured(images, prompts).detach();
        var passed = (_settings.Passes == PassingSide.AtLeast ? scores.ge(threshold) : scores.lt(threshold)).to(ScalarType.Float32);
        return passed.masked_fill(scores.isnan(), float.NaN).MoveToOuterDisposeScope();
    }

    /// <summary>What is judged, [B], fp64: a comparison of fp32 would move the threshold to the next number of fp32.</summary>
    private protected Tensor Measured(Tensor images, IReadOnlyList<Prompt> prompts) => _measured.Score(images, prompts).to(ScalarType.Float64);
}
