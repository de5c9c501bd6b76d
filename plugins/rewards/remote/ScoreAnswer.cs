using System.Text.Json;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Pipeline;
using LeapAlign.Services;

namespace LeapAlign.Rewards.Remote;

/// <summary>Reads <c>{ "scores": [number...] }</c>.</summary>
internal sealed class ScoreAnswer(RemoteSettings settings, ServiceFaults faults)
{
    private readonly ServiceAnswer _answer = new(faults);

    /// <summary>Reads the scores of an answer.</summary>
    /// <param name="body">The answer.</param>
    /// <param name="prompts">The prompts of the request.</param>
    /// <returns>A finite score for each prompt, within the declared range.</returns>
    /// <exception cref="FaultException">The answer is anything else.</exception>
    public float[] Read(byte[] body, IReadOnlyList<Prompt> prompts) => _answer.List(body, "scores", prompts.Count, (score, index) => Check(score, index, prompts[index]));

    private float Check(JsonElement element, int index, Prompt prompt)
    {
        // A double may be finite and still be infinite as the fp32 that a reward is.
        if (element.ValueKind != JsonValueKind.Number || !element.TryGetDouble(out var score) || !float.IsFinite((float)score))
            throw faults.Malformed($"answered {_answer.Excerpt(element)} as score {index}; a finite number was expected");
        return score < settings.Minimum || score > settings.Maximum ? throw faults.OutOfRange(score, prompt.Text, settings.Minimum, settings.Maximum) : (float)score;
    }
}
