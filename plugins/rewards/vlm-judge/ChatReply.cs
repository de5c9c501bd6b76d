using System.Text.Json;
using LeapAlign.Pipeline;
using LeapAlign.Services;

namespace LeapAlign.Rewards.VlmJudge;

/// <summary>Reads <c>{ "choices": [{ "message": { "content": text } }] }</c>.</summary>
internal sealed class ChatReply(ServiceFaults faults)
{
    private readonly ServiceAnswer _answer = new(faults);

    /// <summary>What the model said.</summary>
    /// <returns>Its text; empty when it gave none, as models do that refuse.</returns>
    /// <exception cref="FaultException">The answer is no chat completion with one choice.</exception>
    public string Read(byte[] body)
    {
        using var document = _answer.Parse(body);
        if (document.RootElement.ValueKind != JsonValueKind.Object || !document.RootElement.TryGetProperty("choices", out var choices) || choices.ValueKind != JsonValueKind.Array)
            throw faults.Malformed($"answered without a list of 'choices': {faults.Excerpt(body)}");
        if (choices.GetArrayLength() != 1) throw faults.Malformed($"answered {choices.GetArrayLength()} choices to one question");
        if (choices[0].ValueKind != JsonValueKind.Object || !choices[0].TryGetProperty("message", out var message) || message.ValueKind != JsonValueKind.Object)
            throw faults.Malformed($"answered a choice without 'message': {faults.Excerpt(body)}");
        return message.TryGetProperty("content", out var content) && content.ValueKind == JsonValueKind.String ? Text(content, body) : "";
    }

    private string Text(JsonElement content, byte[] body)
    {
        try
        {
            return content.GetString()!;
        }
        // Half of a surrogate pair, written as an escape.
        catch (InvalidOperationException)
        {
            throw faults.Malformed($"answered a text that is not Unicode: {faults.Excerpt(body)}");
        }
    }
}
