using System.CommandLine;
using System.Globalization;
using System.Numerics;

namespace LeapAlign.Host.Commands.Verbs;

/// <summary>What options are held to. What is no number at all <see cref="OptionTypes"/> refuses.</summary>
internal static class OptionChecks
{
    /// <summary>Refuses whole numbers outside a range.</summary>
    public static void Limit(this Option option, long least, long most) => option.Refuse(word => BigInteger.TryParse(word, NumberStyles.Integer, CultureInfo.InvariantCulture, out var value) && (value < least || value > most) ? $"{option.Name} must be {least} to {most}, not {word}" : null);

    /// <summary>Refuses numbers outside a range.</summary>
    public static void LimitReal(this Option option, double least, double most) => option.Refuse(word =>
        double.TryParse(word, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) && !(value >= least && value <= most)
            ? string.Create(CultureInfo.InvariantCulture, $"{option.Name} must be {least} to {most}, not {word}")
            : null);

    /// <summary>Refuses what is no caption.</summary>
    /// <param name="option">The option.</param>
    /// <param name="ofFile">What to write for the captions of a file.</param>
    public static void TakeCaptions(this Option option, Func<string, string> ofFile) => option.Refuse(word => CaptionArgument.Refusal(word, ofFile));

    /// <summary>Refuses overrides, which a verb that composes no run would not look at.</summary>
    /// <param name="command">The verb.</param>
    /// <param name="instead">What it does.</param>
    public static void TakeNoOverrides(this Command command, string instead) => command.Validators.Add(result =>
    {
        if (result.GetResult(GlobalOptions.Set) is { Implicit: false }) result.AddError($"--set changes a run; {command.Name} {instead}");
    });

    /// <summary>Refuses words.</summary>
    /// <param name="option">The option.</param>
    /// <param name="refusal">Why a word is refused; null where it is not.</param>
    public static void Refuse(this Option option, Func<string, string?> refusal) => option.Validators.Add(result =>
    {
        foreach (var refused in result.Tokens.Select(token => refusal(token.Value)).OfType<string>()) result.AddError(refused);
    });
}
