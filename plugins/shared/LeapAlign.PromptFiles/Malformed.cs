using LeapAlign.Pipeline;

namespace LeapAlign.PromptFiles;

/// <summary>The fault of prompt files that are absent or malformed, LA4010.</summary>
internal static class Malformed
{
    public static Fault At(SourcePlace place, string message) => new Fault.Input(FaultCodes.BadPromptFile, message, place);

    /// <summary>The fault where a value is expected.</summary>
    public static Result<T> At<T>(SourcePlace place, string message) => Result.Fail<T>(At(place, message));

    /// <summary>The beginning of a text.</summary>
    public static string Excerpt(string text) => text.Length <= 40 ? text : $"{text[..40]}...";

    /// <summary>Words as a list: <c>'a', 'b'</c>. A file has as many names as it likes, a sentence has not.</summary>
    public static string List(IEnumerable<string> words)
    {
        const int most = 12;
        string[] all = [.. words];
        return string.Join(", ", all.Take(most).Select(static word => $"'{word}'")) + (all.Length > most ? $" and {all.Length - most} more" : "");
    }
}
