using LeapAlign.Pipeline;

namespace LeapAlign.Networks.Tokenizers;

/// <summary>Captions to token ids of one length, for rewards. A caption that does not fit is cut, with one warning however often it comes.</summary>
public sealed class CaptionIds
{
    private readonly ITextTokenizer _tokenizer;
    private readonly int _length;
    private readonly Func<string, Fault> _cutBy;
    private readonly Action<Fault> _warn;
    private readonly HashSet<string> _cut = [];

    private CaptionIds(ITextTokenizer tokenizer, int length, Func<string, Fault> cutBy, Action<Fault> warn) => (_tokenizer, _length, _cutBy, _warn) = (tokenizer, length, cutBy, warn);

    /// <summary>Takes a tokenizer for a model.</summary>
    /// <param name="tokenizer">The tokenizer.</param>
    /// <param name="rows">The rows of the model's token table.</param>
    /// <param name="length">Ids of a caption.</param>
    /// <param name="folder">The model folder, for messages.</param>
    /// <param name="taker">Who takes no more of a caption, for the warning: the model, or the reward.</param>
    /// <param name="warn">Takes one warning for each caption that is cut.</param>
    /// <returns>A fault when the tokenizer has tokens that the model has no row for.</returns>
    public static Result<CaptionIds> Of(ITextTokenizer tokenizer, int rows, int length, string folder, string taker, Action<Fault> warn)
    {
        ArgumentNullException.ThrowIfNull(tokenizer);
        ArgumentNullException.ThrowIfNull(warn);
        var place = new SourcePlace(folder);
        if (tokenizer.VocabularySize > rows) return new Fault.Input(FaultCodes.BadTokenizer, $"the tokenizer has {tokenizer.VocabularySize} tokens, but the model only {rows}", place);
        return new CaptionIds(tokenizer, length, beginning => new Fault.Input(FaultCodes.CaptionCut, $"the caption '{beginning}' has more than the {length} tokens that {taker} takes and was cut", place), warn);
    }

    /// <summary>The ids of a caption: begin, tokens, end, padding.</summary>
    public long[] Ids(string caption)
    {
        ArgumentNullException.ThrowIfNull(caption);
        var tokens = _tokenizer.Encode(caption, _length);
        if (tokens.WasCut && _cut.Add(caption)) _warn(_cutBy(caption.Length <= 60 ? caption : $"{caption[..60]}…"));
        return tokens.Ids;
    }
}
