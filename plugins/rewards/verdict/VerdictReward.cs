using LeapAlign.Contracts.Plugins;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Rewards;
using LeapAlign.Pipeline;
using LeapAlign.Services.Programs;
using static TorchSharp.torch;

namespace LeapAlign.Rewards.Verdict;

/// <summary>1 for a picture that passed, 0 for one that failed, and not a number where there is no verdict: what another reward, or a program, says of it against a threshold. There is no gradient.</summary>
public sealed class VerdictReward : IReward, IPartialReward, IBoundedReward
{
    private readonly VerdictSettings _settings;
    private readonly IReward _measured;

    private VerdictReward(VerdictSettings settings, IReward measured) => (_settings, _measured) = (settings, measured);

    /// <inheritdoc/>
    public ScoreRange Range { get; } = new(0, 1);

    /// <summary>Finds the other reward, or the program.</summary>
    /// <returns>LA1023 unless one of both is named, LA3012 when there is no such reward, LA5028 when there is no such program.</returns>
    public static Result<VerdictReward> Create(VerdictSettings settings, PartContext context)
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
        }).Map(measured => new VerdictReward(settings, measured));

        static Fault.Configuration Misread(PartContext context, string what) => new(FaultCodes.VerdictOfWhat, $"reward '{context.Name}': {what}");
    }

    /// <inheritdoc/>
    public Tensor Score(Tensor images, IReadOnlyList<Prompt> prompts)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        using TorchSharp.Scalar threshold = _settings.Threshold;
        // A comparison of fp32 would move the threshold to the next number of fp32.
        var scores = _measured.Score(images, prompts).detach().to(ScalarType.Float64);
        var passed = (_settings.Passes == PassingSide.AtLeast ? scores.ge(threshold) : scores.lt(threshold)).to(ScalarType.Float32);
        return passed.masked_fill(scores.isnan(), float.NaN).MoveToOuterDisposeScope();
    }
}
