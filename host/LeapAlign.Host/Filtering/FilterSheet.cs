using System.Globalization;
using System.Text.Json;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Host.Configuration;
using LeapAlign.Host.Kernel.Pictures;

namespace LeapAlign.Host.Filtering;

/// <summary>What <c>filter</c> found of each row (docs/filter.md).</summary>
/// <param name="Rows">The rows.</param>
/// <param name="Trials">What was tried of each.</param>
/// <param name="Verdicts">What became of each.</param>
/// <param name="Threshold">The error below which a row is kept.</param>
/// <param name="Clean">The clean rows that said it; none where it was given.</param>
internal sealed record FilterSheet(IReadOnlyList<Prompt> Rows, IReadOnlyList<IReadOnlyList<FilterTrial>> Trials, IReadOnlyList<FilterVerdict> Verdicts, double Threshold, IReadOnlyList<Prompt> Clean)
{
    /// <summary>In a sentence.</summary>
    /// <param name="percentile">Of clean rows.</param>
    public string Summary(double percentile)
    {
        var kept = Rows.Zip(Verdicts).Where(static each => each.Second.Kept).ToList();
        var (laid, worded) = (kept.Count(static each => each.Second.Best.Pose != Pose.AsItIs), kept.Count(static each => each.Second.Best.Caption != each.First.Text));
        var said = Clean.Count == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $", the percentile {percentile} of {Clean.Count} clean rows");
        return string.Create(CultureInfo.InvariantCulture, $"kept {kept.Count} of {Rows.Count} rows with an error below {Threshold:G5}{said}: {laid} laid otherwise, {worded} with another caption");
    }

    /// <summary>As JSON: what was tried of each row, in its order. Numbers are the shortest that are read back to the last bit.</summary>
    public string ToJson() => IndentedJson.Of(writer =>
    {
        writer.WriteStartObject();
        writer.WriteNumber("threshold", Threshold);
        writer.WriteNumber("clean", Clean.Count);
        writer.WriteStartArray("rows");
        for (var row = 0; row < Rows.Count; row++) Write(writer, Rows[row], Trials[row], Verdicts[row]);
        writer.WriteEndArray();
        writer.WriteEndObject();
    });

    private static void Write(Utf8JsonWriter writer, Prompt row, IReadOnlyList<FilterTrial> trials, FilterVerdict verdict)
    {
        writer.WriteStartObject();
        writer.WriteString("file", row.Pictures[0]);
        writer.WriteString("caption", row.Text);
        writer.WriteBoolean("kept", verdict.Kept);
        Write(writer, "best", verdict.Best);
        writer.WriteStartArray("tried");
        foreach (var trial in trials) Write(writer, null, trial);
        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter writer, string? name, FilterTrial trial)
    {
        if (name is null) writer.WriteStartObject();
        else writer.WriteStartObject(name);
        writer.WriteString("pose", trial.Pose.ToString());
        writer.WriteString("caption", trial.Caption);
        writer.WriteNumber("error", trial.Error);
        writer.WriteEndObject();
    }
}
