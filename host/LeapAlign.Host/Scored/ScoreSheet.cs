using System.Globalization;
using System.Text;
using System.Text.Json;
using LeapAlign.Host.Composition;
using LeapAlign.Host.Configuration;
using LeapAlign.Host.Configuration.Sections;

namespace LeapAlign.Host.Scored;

/// <summary>The scores of one picture.</summary>
/// <param name="Picture">The picture.</param>
/// <param name="Width">In pixels.</param>
/// <param name="Height">In pixels.</param>
/// <param name="Values">One for each reward.</param>
internal sealed record ScoreRow(ScoredPicture Picture, int Width, int Height, IReadOnlyList<double> Values);

/// <summary>The scores of pictures, as <c>score</c> writes them (docs/score.md). Numbers are the shortest that are read back to the last bit, in every language of the system.</summary>
/// <param name="Rewards">The rewards, in the order of the columns.</param>
/// <param name="Rows">The pictures, in order.</param>
internal sealed record ScoreSheet(IReadOnlyList<RewardPlan> Rewards, IReadOnlyList<ScoreRow> Rows)
{
    // What a spreadsheet takes for the beginning of a formula; and what this file puts before one.
    private const string Formula = "=+-@\t\r", Text = "'";

    /// <summary>Whether the pictures have more than one caption.</summary>
    public bool HasCaptions => Rows.Select(static row => row.Picture.Prompt.Text).Distinct(StringComparer.Ordinal).Skip(1).Any();

    /// <summary>As JSON. A score that is not finite is a word, as in metrics.jsonl.</summary>
    public string ToJson() => IndentedJson.Of(writer =>
    {
        writer.WriteStartObject();
        writer.WriteStartArray("rewards");
        foreach (var reward in Rewards)
        {
            writer.WriteStartObject();
            writer.WriteString("name", reward.Part.Name);
            writer.WriteString("id", reward.Part.Definition.Id);
            writer.WriteString("role", reward.Role == RewardRole.Train ? RewardEntry.Trained : RewardEntry.Watched);
            writer.WriteEndObject();
        }
        writer.WriteEndArray();
        writer.WriteStartArray("pictures");
        foreach (var row in Rows) Write(writer, row);
        writer.WriteEndArray();
        writer.WriteEndObject();
    });

    /// <summary>As comma-separated values with a header, quoted as RFC 4180 has it, with line feeds between rows. A text never begins as a formula does.</summary>
    /// <param name="folder">The folder of the file, from which pictures are named, so that the prompt source <c>scored</c> finds them; null names them as they were given.</param>
    public string ToCsv(string? folder = null)
    {
        var table = new StringBuilder();
        var latents = RowLatents.Columns.Where(column => Rows.Any(row => row.Picture.Latents is { } named && column.Cell(named) is not null)).ToList();
        Append(["picture", "caption", "width", "height", .. latents.Select(static column => column.Column), .. Rewards.Select(static reward => Cell(reward.Part.Name))]);
        foreach (var row in Rows)
        {
            Append([
                Cell(folder is null ? row.Picture.Name : From(folder, row.Picture.Path)), Cell(row.Picture.Prompt.Text), row.Width.ToString(CultureInfo.InvariantCulture), row.Height.ToString(CultureInfo.InvariantCulture),
                .. latents.Select(column => row.Picture.Latents is { } named ? Cell(column.Cell(named with { Path = From(folder ?? Environment.CurrentDirectory, named.Path) }) ?? "") : ""),
                .. row.Values.Select(static value => value.ToString("R", CultureInfo.InvariantCulture)),
            ]);
        }
        return table.ToString();

        void Append(IEnumerable<string> cells) => table.AppendJoin(',', cells).Append('\n');

        static string From(string folder, string path) => Path.GetRelativePath(folder, path).Replace('\\', '/');
    }

    private void Write(Utf8JsonWriter writer, ScoreRow row)
    {
        writer.WriteStartObject();
        writer.WriteString("picture", row.Picture.Name);
        writer.WriteString("caption", row.Picture.Prompt.Text);
        writer.WriteNumber("width", row.Width);
        writer.WriteNumber("height", row.Height);
        writer.WriteStartObject("scores");
        foreach (var (reward, value) in Rewards.Zip(row.Values))
        {
            if (double.IsFinite(value)) writer.WriteNumber(reward.Part.Name, value);
            else writer.WriteString(reward.Part.Name, value.ToString(CultureInfo.InvariantCulture));
        }
        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    /// <summary>A text as a cell of such a table. One apostrophe goes before a text that begins with one, too, so that taking one away gives the text back.</summary>
    public static string Cell(string text)
    {
        var safe = text.Length > 0 && (Formula.Contains(text[0], StringComparison.Ordinal) || text.StartsWith(Text, StringComparison.Ordinal)) ? Text + text : text;
        return safe.AsSpan().IndexOfAny(",\"\r\n") >= 0 ? $"\"{safe.Replace("\"", "\"\"", StringComparison.Ordinal)}\"" : safe;
    }
}
