using System.Globalization;
using System.Text;
using System.Text.Json;
using LeapAlign.Host.Configuration;
using LeapAlign.Host.Scored;

namespace LeapAlign.Host.Likelihoods;

/// <summary>The likelihood of one picture.</summary>
/// <param name="Picture">As the user named it, or its number where it was drawn.</param>
/// <param name="Caption">What it is the likelihood for.</param>
/// <param name="Size">In pixels.</param>
/// <param name="Of">The likelihood of its latents.</param>
internal sealed record LikelihoodRow(string Picture, string Caption, Contracts.Models.ImageSize Size, SampleLikelihood Of);

/// <summary>The likelihoods of pictures, as <c>likelihood</c> writes them (docs/likelihood.md). Numbers are the shortest that are read back to the last bit, in every language of the system.</summary>
/// <param name="Forms">How divergences were estimated, in the order of the columns.</param>
/// <param name="Rows">The pictures, in order.</param>
internal sealed record LikelihoodSheet(IReadOnlyList<string> Forms, IReadOnlyList<LikelihoodRow> Rows)
{
    /// <summary>What the table says beside each picture and form.</summary>
    public static IReadOnlyList<string> Columns { get; } = ["logLikelihood", "standardError", "bitsPerDimension", "varianceOfEstimate"];

    /// <summary>Whether the pictures have more than one caption.</summary>
    public bool HasCaptions => Rows.Select(static row => row.Caption).Distinct(StringComparer.Ordinal).Skip(1).Any();

    /// <summary>The mean over the pictures by a form, and the standard error that the estimates give it: pictures are taken as they are.</summary>
    public (double Value, double Error) Mean(int form) =>
        (Rows.Average(row => row.Of.Estimates[form].Value), Math.Sqrt(Rows.Sum(row => Math.Pow(row.Of.Estimates[form].Error, 2))) / Rows.Count);

    /// <summary>As JSON.</summary>
    public string ToJson() => IndentedJson.Of(writer =>
    {
        writer.WriteStartObject();
        writer.WriteStartArray("pictures");
        foreach (var row in Rows) Write(writer, row);
        writer.WriteEndArray();
        writer.WriteStartObject("mean");
        for (var form = 0; form < Forms.Count; form++)
        {
            var (value, error) = Mean(form);
            writer.WriteStartObject(Forms[form]);
            writer.WriteNumber(Columns[0], value);
            writer.WriteNumber(Columns[1], error);
            writer.WriteEndObject();
        }
        writer.WriteEndObject();
        writer.WriteEndObject();
    });

    /// <summary>As comma-separated values with a header (<see cref="ScoreSheet.Cell"/>): the columns of each form have its name before them.</summary>
    public string ToCsv()
    {
        var table = new StringBuilder();
        Append(["picture", "caption", "width", "height", "dimensions", "prior", "noiseSize", .. Forms.SelectMany(static form => Columns.Select(column => $"{form}.{column}"))]);
        foreach (var row in Rows)
        {
            Append([
                ScoreSheet.Cell(row.Picture), ScoreSheet.Cell(row.Caption), Whole(row.Size.Width), Whole(row.Size.Height), Whole(row.Of.Dimensions), Exactly(row.Of.Prior), Exactly(row.Of.NoiseSize),
                .. row.Of.Estimates.SelectMany(estimate => Values(row, estimate)).Select(Exactly),
            ]);
        }
        return table.ToString();

        void Append(IEnumerable<string> cells) => table.AppendJoin(',', cells).Append('\n');
        static string Whole(int value) => value.ToString(CultureInfo.InvariantCulture);
        static string Exactly(double value) => value.ToString("R", CultureInfo.InvariantCulture);
    }

    /// <summary>The numbers of <see cref="Columns"/>.</summary>
    private static double[] Values(LikelihoodRow row, LikelihoodEstimate estimate) => [estimate.Value, estimate.Error, estimate.Bits(row.Of.Dimensions), estimate.Variance];

    private void Write(Utf8JsonWriter writer, LikelihoodRow row)
    {
        writer.WriteStartObject();
        writer.WriteString("picture", row.Picture);
        writer.WriteString("caption", row.Caption);
        writer.WriteNumber("width", row.Size.Width);
        writer.WriteNumber("height", row.Size.Height);
        writer.WriteNumber("dimensions", row.Of.Dimensions);
        writer.WriteNumber("prior", row.Of.Prior);
        writer.WriteNumber("noiseSize", row.Of.NoiseSize);
        writer.WriteStartObject("estimates");
        foreach (var (form, estimate) in Forms.Zip(row.Of.Estimates))
        {
            writer.WriteStartObject(form);
            foreach (var (column, value) in Columns.Zip(Values(row, estimate))) writer.WriteNumber(column, value);
            writer.WriteNumber("products", estimate.Products);
            writer.WriteEndObject();
        }
        writer.WriteEndObject();
        writer.WriteEndObject();
    }
}
