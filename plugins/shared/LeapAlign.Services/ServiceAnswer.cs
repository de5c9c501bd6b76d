using System.Text;
using System.Text.Json;
using LeapAlign.Pipeline;

namespace LeapAlign.Services;

/// <summary>Reads answers of a service, believing nothing of them. Keys that are not asked for are left alone.</summary>
/// <param name="faults">What is said of a service that lies.</param>
public sealed class ServiceAnswer(ServiceFaults faults)
{
    private static readonly JsonDocumentOptions s_strict = new() { AllowDuplicateProperties = false };

    /// <summary>The JSON of an answer.</summary>
    /// <exception cref="FaultException">It is not JSON.</exception>
    public JsonDocument Parse(byte[] body)
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

    /// <summary>Reads <c>{ "key": [item...] }</c>, one item for each picture.</summary>
    /// <typeparam name="T">What an item is.</typeparam>
    /// <param name="body">The answer.</param>
    /// <param name="key">The key, which is also the word for the items.</param>
    /// <param name="count">How many pictures were sent.</param>
    /// <param name="item">Reads one, given its index.</param>
    /// <exception cref="FaultException">The answer is anything else.</exception>
    public T[] List<T>(byte[] body, string key, int count, Func<JsonElement, int, T> item)
    {
        ArgumentNullException.ThrowIfNull(item);
        using var document = Parse(body);
        if (document.RootElement.ValueKind != JsonValueKind.Object || !document.RootElement.TryGetProperty(key, out var items))
            throw faults.Malformed($"answered without '{key}': {faults.Excerpt(body)}");
        if (items.ValueKind != JsonValueKind.Array)
            throw faults.Malformed($"answered '{key}' that are not a list: {faults.Excerpt(body)}");
        if (items.GetArrayLength() != count)
            throw faults.Malformed($"answered {items.GetArrayLength()} {key} for {count} pictures");
        return [.. items.EnumerateArray().Select(item)];
    }

    /// <summary>The beginning of an element, for faults.</summary>
    public string Excerpt(JsonElement element) => faults.Excerpt(Encoding.UTF8.GetBytes(element.GetRawText()));
}
