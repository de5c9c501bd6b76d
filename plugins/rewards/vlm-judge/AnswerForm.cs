using System.Globalization;

namespace LeapAlign.Rewards.VlmJudge;

/// <summary>What a rubric may be answered with: yes or no, or a whole number of a range. An answer is one line, the last of a reply.</summary>
internal sealed class AnswerForm
{
    /// <summary>How a rubric can say it, for faults.</summary>
    public const string Expected = "a last line 'Answer: yes | no', or a range of whole numbers such as 'Answer: 1 to 10'";

    private const string Start = "Answer:";
    private const string Yes = "yes";
    private const string No = "no";

    private readonly (int Lowest, int Highest)? _range;

    private AnswerForm((int Lowest, int Highest)? range) => _range = range;

    /// <summary>The lines that are answers, in words.</summary>
    public string Words => _range is { } range
        ? string.Create(CultureInfo.InvariantCulture, $"'{Start} ' and a whole number from {range.Lowest} to {range.Highest}")
        : $"'{Start} {Yes}' or '{Start} {No}'";

    /// <summary>The form that the last line of a rubric states.</summary>
    /// <returns>Null when it states none.</returns>
    public static AnswerForm? Of(string rubric)
    {
        if (Last(rubric) is not { } stated) return null;
        if (stated.Split('|', StringSplitOptions.TrimEntries) is [Yes, No]) return new AnswerForm(null);
        return stated.Split(" to ", StringSplitOptions.TrimEntries) is [var from, var to] && Number(from) is { } lowest && Number(to) is { } highest && lowest < highest
            ? new AnswerForm((lowest, highest))
            : null;
    }

    /// <summary>The answer in a reply: what stands in its last line, when that has the form and no other line claims to be an answer.</summary>
    /// <returns>Yes, no or a number; null when the reply is not of the form.</returns>
    public string? Read(string reply) => Last(reply)?.ToLowerInvariant() is { } answer && Score(answer) is not null ? answer : null;

    /// <summary>What an answer is worth: yes is 1 and no is 0; of a range, the lowest number is 0 and the highest 1.</summary>
    /// <returns>Null for what is no answer of this form.</returns>
    public double? Score(string answer) => _range is { } range
        ? Number(answer) is { } number && number >= range.Lowest && number <= range.Highest ? (number - range.Lowest) / (double)(range.Highest - range.Lowest) : null
        : answer switch { Yes => 1, No => 0, _ => null };

    // The word alone decides what is a line of an answer, so that a reply with two of them is none: which one is meant cannot be known.
    private static string? Last(string text)
    {
        var lines = text.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        var answers = lines.Where(static line => line.StartsWith(Start, StringComparison.OrdinalIgnoreCase)).ToArray();
        return answers.Length == 1 && ReferenceEquals(answers[0], lines[^1]) ? answers[0][Start.Length..].Trim() : null;
    }

    private static int? Number(string text) =>
        text.Length is > 0 and < 10 && text.All(char.IsAsciiDigit) ? int.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture) : null;
}
