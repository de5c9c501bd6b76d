using LeapAlign.Contracts.Plugins;
using LeapAlign.Networks.Tokenizers;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Pipelines;

/// <summary>The tokenizer of a pipeline whose encoder is a language model, and the message that captions are put into. One that is longer than the encoder takes is cut, with a warning.</summary>
public sealed class ChatTokenizer
{
    /// <summary>The tokenizer.</summary>
    public required Qwen2Tokenizer Tokenizer { get; init; }

    /// <summary>Puts a caption into a message.</summary>
    public required Func<string, string> Message { get; init; }

    /// <summary>The component that reads the ids, for messages.</summary>
    public required string Encoder { get; init; }

    /// <summary>The rows of the encoder's token table.</summary>
    public required int Rows { get; init; }

    /// <summary>How many ids a message has at most.</summary>
    public required int Length { get; init; }

    /// <summary>The part that warns of captions that are cut.</summary>
    public PartContext? Warns { get; init; }

    /// <summary>The ids of captions, padded on the right to the longest of them.</summary>
    /// <param name="captions">The captions.</param>
    /// <returns>[B, T] int64, on the CPU, and how many of each are its own.</returns>
    /// <exception cref="FaultException"><see cref="FaultCodes.BadTokenizer"/>: a caption holds a token that the encoder has no row for.</exception>
    public (Tensor Ids, int[] Lengths) Ids(IReadOnlyList<string> captions)
    {
        ArgumentNullException.ThrowIfNull(captions);
        List<IReadOnlyList<int>> all = [];
        foreach (var caption in captions)
        {
            var (ids, wasCut) = Tokenizer.Encode(Message(caption), Length);
            CaptionTokenizer.RequireRows(caption, ids.Max(), Encoder, Rows);
            if (wasCut) CaptionTokenizer.WarnOfCut(Warns, caption, Length);
            all.Add(ids);
        }
        var longest = all.Max(static ids => ids.Count);
        var padded = new long[all.Count * longest];
        Array.Fill(padded, Tokenizer.Pad);
        for (var i = 0; i < all.Count; i++)
        {
            for (var j = 0; j < all[i].Count; j++) padded[(i * longest) + j] = all[i][j];
        }
        return (tensor(padded, [all.Count, longest]), [.. all.Select(static ids => ids.Count)]);
    }
}
