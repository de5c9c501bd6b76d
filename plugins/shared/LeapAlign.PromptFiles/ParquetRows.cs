using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using LeapAlign.Pipeline;
using Parquet;
using Parquet.Schema;

namespace LeapAlign.PromptFiles;

/// <summary>Rows of a Parquet file, as the same rows of JSON lines would be. Columns of bytes, lists and records are left out; a picture is a file beside the rows.</summary>
internal static class ParquetRows
{
    // The last byte of the description, four of its length, and PAR1.
    private const int Tail = 9;

    private static readonly JsonWriterOptions s_options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Reads the rows of a file; each is named by its number, from 1.</summary>
    /// <param name="path">Of the file, for faults.</param>
    /// <param name="content">Its bytes.</param>
    public static IReadOnlyList<Result<PromptRow>> Read(string path, byte[] content)
    {
        // The library reads on for ever where the description of the file, which stands before its own length and the mark, does not end.
        if (content.Length < Tail || content[^Tail] != 0) return [Malformed.At<PromptRow>(new SourcePlace(path), "the file is no Parquet file that can be read: its description does not end where it should")];
        try
        {
            return Columns(content).GetAwaiter().GetResult() is { } columns ? [.. Enumerable.Range(0, columns[0].Values.Count).Select(row => Row(columns, row, new SourcePlace(path, row + 1, 1)))] : [];
        }
#pragma warning disable CA1031 // The library has no one exception for a file that is none.
        catch (Exception exception) when (exception is not OutOfMemoryException)
#pragma warning restore CA1031
        {
            return [Malformed.At<PromptRow>(new SourcePlace(path), $"the file is no Parquet file that can be read: {exception.Message.ReplaceLineEndings(" ")}")];
        }
    }

    // Null where there is none. The library's own rows are wrong behind an empty list, so that columns are read one by one, and lists not at all.
    private static async Task<IReadOnlyList<(string Name, List<object?> Values)>?> Columns(byte[] content)
    {
        using var stream = new MemoryStream(content);
        var reader = await ParquetReader.CreateAsync(stream).ConfigureAwait(false);
        await using (reader.ConfigureAwait(false))
        {
            DataField[] fields = [.. reader.Schema.Fields.OfType<DataField>().Where(static field => !field.IsArray)];
            List<(string Name, List<object?> Values)> columns = [];
            foreach (var field in fields)
            {
                if (Reads(field) is not { } read) continue;
                List<object?> values = [];
                for (var group = 0; group < reader.RowGroupCount; group++)
                {
                    using var rows = reader.OpenRowGroupReader(group);
                    values.AddRange(await read(rows, field, (int)rows.RowCount).ConfigureAwait(false));
                }
                columns.Add((field.Name, values));
            }
            return columns.Count > 0 ? columns : null;
        }
    }

    // How a column is read; null for one of bytes, or of a type that is neither text, nor a number, a truth value or a time.
    private static Func<ParquetRowGroupReader, DataField, int, Task<object?[]>>? Reads(DataField field) => Type.GetTypeCode(field.ClrType) switch
    {
        TypeCode.Boolean => Values<bool>,
        TypeCode.SByte => Values<sbyte>,
        TypeCode.Byte => Values<byte>,
        TypeCode.Int16 => Values<short>,
        TypeCode.UInt16 => Values<ushort>,
        TypeCode.Int32 => Values<int>,
        TypeCode.UInt32 => Values<uint>,
        TypeCode.Int64 => Values<long>,
        TypeCode.UInt64 => Values<ulong>,
        TypeCode.Single => Values<float>,
        TypeCode.Double => Values<double>,
        TypeCode.Decimal => Values<decimal>,
        TypeCode.DateTime => Values<DateTime>,
        TypeCode.String => Texts,
        _ => field.ClrType == typeof(ReadOnlyMemory<char>) ? Texts : null,
    };

    private static async Task<object?[]> Texts(ParquetRowGroupReader rows, DataField field, int count)
    {
        var values = new string?[count];
        await rows.ReadAsync(field, values.AsMemory()!).ConfigureAwait(false);
        return values;
    }

    private static async Task<object?[]> Values<T>(ParquetRowGroupReader rows, DataField field, int count)
        where T : struct
    {
        if (field.IsNullable)
        {
            var nullable = new T?[count];
            await rows.ReadAsync<T>(field, nullable.AsMemory()).ConfigureAwait(false);
            return [.. nullable.Select(static value => (object?)value)];
        }
        var values = new T[count];
        await rows.ReadAsync<T>(field, values.AsMemory()).ConfigureAwait(false);
        return [.. values.Select(static value => (object?)value)];
    }

    private static Result<PromptRow> Row(IReadOnlyList<(string Name, List<object?> Values)> columns, int row, SourcePlace place)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, s_options))
        {
            json.WriteStartObject();
            foreach (var (name, values) in columns)
            {
                json.WritePropertyName(name);
                Write(json, values[row]);
            }
            json.WriteEndObject();
        }
        return JsonRows.Row(Encoding.UTF8.GetString(buffer.GetBuffer().AsSpan(0, (int)buffer.Length)), place, inLines: true);
    }

    private static void Write(Utf8JsonWriter json, object? value)
    {
        switch (value)
        {
            case null:
                json.WriteNullValue();
                break;
            case string text:
                json.WriteStringValue(text);
                break;
            case bool holds:
                json.WriteBooleanValue(holds);
                break;
            // What JSON has no number for is its word, as in tables.
            case float or double when !double.IsFinite(Convert.ToDouble(value, CultureInfo.InvariantCulture)):
                json.WriteStringValue(Convert.ToString(value, CultureInfo.InvariantCulture));
                break;
            case float number:
                json.WriteNumberValue(number);
                break;
            case double number:
                json.WriteNumberValue(number);
                break;
            case decimal number:
                json.WriteNumberValue(number);
                break;
            case ulong number:
                json.WriteNumberValue(number);
                break;
            case sbyte or byte or short or ushort or int or uint or long:
                json.WriteNumberValue(Convert.ToInt64(value, CultureInfo.InvariantCulture));
                break;
            // Dates and times.
            default:
                json.WriteStringValue(value is IFormattable moment ? moment.ToString("o", CultureInfo.InvariantCulture) : value.ToString());
                break;
        }
    }
}
