using System.Globalization;
using System.Text.Json;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Fitting;

/// <summary>What a file of scores says of a picture.</summary>
internal static class RowScore
{
    /// <summary>The score of a row.</summary>
    /// <param name="prompt">Its caption, with what else stands there.</param>
    /// <param name="file">The file, as the user named it.</param>
    /// <returns>LA5031 where there is no number.</returns>
    public static Result<double> Of(Prompt prompt, string file)
    {
        const string key = "score";
        try
        {
            using var row = JsonDocument.Parse(prompt.Metadata ?? "{}");
            if (row.RootElement.TryGetProperty(key, out var said))
            {
                if (said.ValueKind == JsonValueKind.Number && said.TryGetDouble(out var number) && double.IsFinite(number)) return number;
                if (said.ValueKind == JsonValueKind.String && double.TryParse(said.GetString(), NumberStyles.Float, CultureInfo.InvariantCulture, out number) && double.IsFinite(number)) return number;
            }
        }
        catch (JsonException)
        {
            // The same as a row without a score.
        }
        return new Fault.Input(FaultCodes.CannotFit, $"row {prompt.Id + 1} ('{prompt.Text}') has no '{key}' that is a number", new SourcePlace(file, Key: key));
    }
}
