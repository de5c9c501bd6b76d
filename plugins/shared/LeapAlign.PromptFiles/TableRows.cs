using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using CsvHelper;
using CsvHelper.Configuration;
using LeapAlign.Pipeline;

namespace LeapAlign.PromptFiles;

/// <summary>Rows of a table whose first row names its columns, as RFC 4180 has it: fields in quotes may hold separators, line feeds and doubled quotes.</summary>
internal static class TableRows
{
    private static readonly JsonWriterOptions s_options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    // What 'score --csv' writes first. It puts an apostrophe before a text that a spreadsheet would take for a formula, and before one that begins with an apostrophe.
    private static readonly string[] s_scoreSheet = ["picture", "caption", "width", "height"];

    private static readonly string[] s_separators = [";", "\t", "|", ","];

    public static IReadOnlyList<Result<PromptRow>> Read(string path, string text, string separator)
    {
        List<Result<PromptRow>> rows = [];
        using var parser = new CsvParser(new StringReader(text), new CsvConfiguration(CultureInfo.InvariantCulture) { Delimiter = separator });
        // A row is named by the line that it begins in; the parser knows those that rows end in, and skips blank ones.
        var lines = text.Split('\n');
        var line = 1;
        try
        {
            IReadOnlyList<string>? header = null;
            Func<string, string> plain = static cell => cell;
            while (true)
            {
                line = parser.RawRow + 1;
                while (line < lines.Length && lines[line - 1].Trim('\r').Length == 0) line++;
                if (!parser.Read()) return rows;
                var (place, cells) = (new SourcePlace(path, line, 1), parser.Record!);
                if (header is null)
                {
                    header = cells;
                    if (header.Take(s_scoreSheet.Length).SequenceEqual(s_scoreSheet)) plain = static cell => cell.StartsWith('\'') ? cell[1..] : cell;
                    if (Other(header, separator) is { } other)
                        return [Malformed.At<PromptRow>(place, $"the header is one column, {Malformed.List(header)}, since {Name(separator)} stands between columns here; the file seems to have {Name(other)} there")];
                    if (Repeated(header) is { } twice) return [Malformed.At<PromptRow>(place, $"the header has the column '{twice}' twice")];
                    header = [.. header.Select(name => plain(name.Trim()))];
                }
                else if (!cells.All(string.IsNullOrWhiteSpace))
                {
                    rows.Add(cells.Length == header.Count
                        ? Row(header, cells, plain, place)
                        : Malformed.At<PromptRow>(place, $"the row has {Fields(cells.Length)}, the header {header.Count}; a field that holds {Name(separator)} stands in quotes"));
                }
            }
        }
        catch (BadDataException)
        {
            rows.Add(Malformed.At<PromptRow>(new SourcePlace(path, line, 1), "the quotes of the row do not match; a field that holds quotes stands in quotes, and each of them is written twice"));
            return rows;
        }
    }

    private static string Fields(int count) => count == 1 ? "1 field" : $"{count} fields";

    // One column whose name holds a separator of other programs is a table of theirs.
    private static string? Other(IReadOnlyList<string> header, string separator) =>
        header.Count == 1 ? s_separators.FirstOrDefault(other => other != separator && header[0].Contains(other, StringComparison.Ordinal)) : null;

    private static string Name(string separator) => separator switch
    {
        "," => "a comma",
        "\t" => "a tab",
        _ => $"'{separator}'",
    };

    private static string? Repeated(IEnumerable<string> header) =>
        header.Select(static name => name.Trim()).Where(static name => name.Length > 0).GroupBy(static name => name, StringComparer.Ordinal).FirstOrDefault(static group => group.Count() > 1)?.Key;

    // A column without a name, such as the row numbers that pandas writes, is nothing that somebody could ask for.
    private static PromptRow Row(IReadOnlyList<string> header, string[] cells, Func<string, string> plain, SourcePlace place)
    {
        RowField[] fields = [.. header.Select((name, column) => new RowField(name, plain(cells[column]))).Where(static field => field.Name.Length > 0)];
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, s_options))
        {
            json.WriteStartObject();
            foreach (var field in fields) json.WriteString(field.Name, field.Text);
            json.WriteEndObject();
        }
        return new PromptRow(place, fields, Encoding.UTF8.GetString(buffer.GetBuffer().AsSpan(0, (int)buffer.Length))) { IsOfTable = true };
    }
}
