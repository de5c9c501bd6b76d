using System.Text.Json;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Pipeline;

namespace LeapAlign.Rewards.Remote;

/// <summary>Reads <c>{ "scores": [number...] }</c>, believing nothing of it. Other keys are left alone.</summary>
internal sealed class ScoreAnswer(RemoteSettings settings, ServiceFaults faults)
{
    private static readonly JsonDocumentOptions s_strict = new() { AllowDuplicateProperties = false };

    /// <summary>Reads the scores of an answer.</summary>
    /// <param name="body">The answer.</param>
    /// <param name="prompts">The prompts of the request.</param>
    /// <returns>A finite score for each prompt, within the declared range.</returns>
    /// <exception cref="FaultException">The answer is anything else.</exception>
    public float[] Read(byte[] body, IReadOnlyList<Prompt> prompts)
    {
        using var document = Parse(body);
        if (document.RootElement.ValueKind != JsonValueKind.Object || !document.RootElement.TryGetProperty("scores", out var scores))
            throw faults.Malformed($"answered without 'scores': {faults.Excerpt(body)}");
        if (scores.ValueKind != JsonValueKind.Array)
            throw faults.Malformed($"answered 'scores' that are not a list: {faults.Excerpt(body)}");
        if (scores.GetArrayLength() != prompts.Count)
            throw faults.Malformed($"answered {scores.GetArrayLength()} scores for {prompts.Count} pictures");
        return [.. scores.EnumerateArray().Select((score, index) => Check(score, index, prompts[index]))];
    }

    private JsonDocument Parse(byte[] body)
    {
        try
        {
            return JsonDocument.Parse(body, s_strict);
        }
        // Half of a surrogate pair in a name, written as an escape, is an InvalidOperationException.
        catch (Exception refused) when (refused is JsonException or InvalidOperationException)
        {
            throw faults.Malformed($"answered what {(JsonNesting.IsTooDeep(body) ? JsonNesting.Words : "is not JSON")}: {faults.Excerpt(body)}");
        }
    }

    private float Check(JsonElement element, int index, Prompt prompt)
    {
        // A double may be finite and still be infinite as the fp32 that a reward is.
        if (element.ValueKind != JsonValueKind.Number || !element.TryGetDouble(out var score) || !float.IsFinite((float)score))
            throw faults.Malformed($"answered {faults.Excerpt(System.Text.Encoding.UTF8.GetBytes(element.GetRawText()))} as score {index}; a finite number was expected");
        return score < settings.Minimum || score > settings.Maximum ? throw faults.OutOfRange(score, prompt.Text, settings) : (float)score;
    }
}
