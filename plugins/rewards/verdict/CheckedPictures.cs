using System.Globalization;
using System.Text;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Rewards;
using LeapAlign.Pipeline;
using LeapAlign.Services;
using LeapAlign.Services.Programs;
using static TorchSharp.torch;

namespace LeapAlign.Rewards.Verdict;

/// <summary>What a program of this machine says of pictures, one process for each: a number, or that it does not know.</summary>
/// <param name="settings">Limits, and what becomes of a picture without an answer.</param>
/// <param name="context">Whose reward it is.</param>
/// <param name="program">The program.</param>
internal sealed class CheckedPictures(VerdictSettings settings, PartContext context, AskedProgram program) : IReward
{
    private const string Missing = "missing";

    /// <inheritdoc/>
    /// <exception cref="FaultException">The program did not answer and its rule is to fail, or a picture is not finite.</exception>
    /// <exception cref="OperationCanceledException">The run was asked to stop: a check may take minutes, and its processes were ended.</exception>
    public Tensor Score(Tensor images, IReadOnlyList<Prompt> prompts)
    {
        var pictures = SentPictures.Of(images, prompts, context.Name);
        var scores = new double[pictures.Count];
        SentPictures.Ask(pictures.Count, settings.Concurrency, async (number, cancellation) =>
        {
            using var stopped = CancellationTokenSource.CreateLinkedTokenSource(cancellation, context.Stop);
            scores[number] = Read(await program.Ask(pictures[number].ToPng(), prompts[number].Text, Variables(prompts[number]), stopped.Token), prompts[number]);
        });
        return tensor(scores, dtype: ScalarType.Float64, device: images.device);
    }

    private static Dictionary<string, string> Variables(Prompt prompt) => prompt.Metadata is { } metadata
        ? new() { ["LEAPALIGN_CAPTION"] = prompt.Text, ["LEAPALIGN_METADATA"] = metadata }
        : new() { ["LEAPALIGN_CAPTION"] = prompt.Text };

    private double Read(ProgramAnswer answer, Prompt prompt)
    {
        if (answer.Fault is { } fault) return (answer.End == ProgramEnd.Late ? settings.Late : settings.Broken) == NoVerdict.Missing ? double.NaN : throw new FaultException(fault);
        var written = Encoding.UTF8.GetString(answer.Output).Trim();
        if (written == Missing) return double.NaN;
        if (double.TryParse(written, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number) && !(number < settings.Lowest) && !(number > settings.Highest)) return number;
        if (settings.Broken == NoVerdict.Missing) return double.NaN;
        context.Stop.ThrowIfCancellationRequested();
        throw new FaultException(new Fault.Run(FaultCodes.BadAnswer, $"reward '{context.Name}': the program wrote '{AskedProgram.Excerpt(written)}' of the picture of '{AskedProgram.Excerpt(prompt.Text)}'; expected {Expected}"));
    }

    private string Expected => (settings.Lowest, settings.Highest) switch
    {
        (null, null) => "one finite number, or the word missing",
        ({ } lowest, { } highest) => FormattableString.Invariant($"one number from {lowest:G6} to {highest:G6}, or the word missing"),
        ({ } lowest, null) => FormattableString.Invariant($"one number from {lowest:G6} up, or the word missing"),
        (null, { } highest) => FormattableString.Invariant($"one number up to {highest:G6}, or the word missing"),
    };
}
