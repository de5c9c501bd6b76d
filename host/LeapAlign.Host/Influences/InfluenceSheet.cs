using System.Globalization;
using System.Text;
using LeapAlign.Host.Configuration;
using LeapAlign.Host.Scored;

namespace LeapAlign.Host.Influences;

/// <summary>The influence of prompts on a step, as <c>influence</c> writes it (docs/influence.md). Numbers are the shortest that are read back to the last bit, in every language of the system.</summary>
/// <param name="Step">The step, from 1.</param>
/// <param name="Of">What each prompt did.</param>
internal sealed record InfluenceSheet(int Step, PromptInfluence Of)
{
    /// <summary>As JSON: the prompts, and how much the update of each lowers the loss of each.</summary>
    public string ToJson() => IndentedJson.Of(writer =>
    {
        writer.WriteStartObject();
        writer.WriteNumber("step", Step);
        writer.WriteNumber("off", Of.Off);
        writer.WriteStartArray("prompts");
        for (var place = 0; place < Of.Rows.Count; place++)
        {
            var row = Of.Rows[place];
            writer.WriteStartObject();
            writer.WriteNumber("prompt", row.Prompt.Id);
            writer.WriteString("caption", row.Prompt.Text);
            writer.WriteNumber("samples", row.Samples);
            writer.WriteNumber("loss", row.Loss);
            writer.WriteNumber("drive", row.Drive);
            writer.WriteNumber("agreement", row.Agreement);
            writer.WriteStartArray("gainFrom");
            foreach (var product in Of.Products[place]) writer.WriteNumberValue(product);
            writer.WriteEndArray();
            writer.WriteEndObject();
        }
        writer.WriteEndArray();
        writer.WriteEndObject();
    });

    /// <summary>As comma-separated values with a header (<see cref="ScoreSheet.Cell"/>).</summary>
    public string ToCsv()
    {
        var table = new StringBuilder("prompt,caption,samples,loss,drive,agreement\n");
        foreach (var row in Of.Rows)
        {
            table.AppendJoin(',', row.Prompt.Id.ToString(CultureInfo.InvariantCulture), ScoreSheet.Cell(row.Prompt.Text), row.Samples.ToString(CultureInfo.InvariantCulture), Exactly(row.Loss), Exactly(row.Drive), Exactly(row.Agreement)).Append('\n');
        }
        return table.ToString();

        static string Exactly(double value) => value.ToString("R", CultureInfo.InvariantCulture);
    }
}
