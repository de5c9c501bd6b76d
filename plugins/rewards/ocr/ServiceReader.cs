using System.Text.Json;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Rewards;
using LeapAlign.Pipeline;
using LeapAlign.Services;

namespace LeapAlign.Rewards.Ocr;

/// <summary>A service reads: it is sent what <c>remote</c> sends, and answers <c>{ "texts": [text...] }</c>, one for each picture, in order.</summary>
internal sealed class ServiceReader : ITextReader
{
    private readonly OcrSettings _settings;
    private readonly ServiceFaults _faults;
    private readonly ServiceAnswer _answer;
    private readonly ServiceClient _client;

    private ServiceReader(OcrSettings settings, Endpoint endpoint, PartContext context)
    {
        (_settings, _faults) = (settings, new ServiceFaults(context.Name, endpoint));
        (_answer, _client) = (new ServiceAnswer(_faults), new ServiceClient(endpoint, settings, _faults, TimeProvider.System, context.Stop));
    }

    /// <summary>Prepares to ask; nothing is sent yet.</summary>
    /// <returns>A fault when the address is none, or the variable of the token is not set.</returns>
    public static Result<ITextReader> Create(string url, OcrSettings settings, PartContext context) =>
        Endpoint.Create(url, settings.TokenVariable, context.Name).Map(endpoint => (ITextReader)new ServiceReader(settings, endpoint, context));

    public IReadOnlyList<string> Read(IReadOnlyList<PictureBytes> pictures, IReadOnlyList<Prompt> prompts)
    {
        var texts = new string[pictures.Count];
        SentPictures.Ask((pictures.Count + _settings.Batch - 1) / _settings.Batch, _settings.Concurrency, async (number, cancellation) =>
        {
            var start = number * _settings.Batch;
            Prompt[] batch = [.. prompts.Skip(start).Take(_settings.Batch)];
            var request = PictureRequest.Write([.. batch.Select((_, index) => pictures[start + index].ToPng())], batch);
            _answer.List(await _client.Post(request, cancellation), "texts", batch.Length, Text).CopyTo(texts, start);
        });
        return texts;
    }

    public void Dispose() => _client.Dispose();

    private string Text(JsonElement element, int index)
    {
        try
        {
            if (element.ValueKind == JsonValueKind.String) return element.GetString()!;
        }
        catch (InvalidOperationException)
        {
            // Half of a surrogate pair, written as an escape.
        }
        throw _faults.Malformed($"answered {_answer.Excerpt(element)} as text {index}; a text was expected");
    }
}
