using LeapAlign.Networks.Tokenizers;
using LeapAlign.Pipeline;

namespace LeapAlign.Rewards.Clip;

/// <summary>Captions to token ids of the model's length.</summary>
internal sealed class ClipCaptions
{
    private readonly ITextTokenizer _tokenizer;
    private readonly Action<Fault> _warn;
    private readonly string _folder;
    private readonly int _length;
    private readonly HashSet<string> _cut = [];

    private ClipCaptions(ITextTokenizer tokenizer, int length, string folder, Action<Fault> warn) =>
        (_tokenizer, _length, _folder, _warn) = (tokenizer, length, folder, warn);

    /// <summary>Opens the tokenizer of a model folder.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="asOpenClip">Whether captions are cleaned as open_clip does.</param>
    /// <param name="warn">Takes one warning for each caption that is cut.</param>
    public static Result<ClipCaptions> Load(ClipFolder folder, bool asOpenClip, Action<Fault> warn) => folder.Tokenizer(asOpenClip, warn).Bind(tokenizer =>
    {
        var config = folder.Config.Text;
        if (tokenizer.VocabularySize > config.Vocabulary)
        {
            var message = $"the tokenizer has {tokenizer.VocabularySize} tokens, but the model only {config.Vocabulary}";
            return Result.Fail<ClipCaptions>(new Fault.Input(FaultCodes.BadTokenizer, message, new SourcePlace(folder.Path)));
        }
        return new ClipCaptions(tokenizer, Math.Min(tokenizer.MaxLength, config.Positions), folder.Path, warn);
    });

    /// <summary>The ids of a caption: begin, tokens, end, padding. A caption that does not fit is cut, with one warning however often it comes.</summary>
    public long[] Ids(string caption)
    {
        var tokens = _tokenizer.Encode(caption, _length);
        if (tokens.WasCut && _cut.Add(caption))
            _warn(new Fault.Input(FaultCodes.CaptionCut, $"the caption '{Beginning(caption)}' has more than the {_length} tokens that the model takes and was cut", new SourcePlace(_folder)));
        return tokens.Ids;
    }

    private static string Beginning(string caption) => caption.Length <= 60 ? caption : $"{caption[..60]}…";
}
