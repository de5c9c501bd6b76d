using LeapAlign.Contracts.Plugins;
using LeapAlign.Networks.Tokenizers;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Models.Sd3;

/// <summary>Opens the tokenizers of a pipeline folder. A caption that is longer than they take is cut, with a warning.</summary>
internal static class PipelineTokenizers
{
    public static Result<TextTokenizers> Load(ModelIndex index, Sd3Configs configs, Sd3Settings settings, PartContext context) =>
        from clipL in ClipTokenizer.Load(index.Component("tokenizer"), context.Warn)
        from clipG in ClipTokenizer.Load(index.Component("tokenizer_2"), context.Warn)
        from t5 in index.HasT5 ? T5Tokenizer.Load(index.Component("tokenizer_3"), context.Warn).Map(static tokenizer => (ITextTokenizer?)tokenizer) : Result.Ok<ITextTokenizer?>(null)
        from clipLength in ClipLength(index, configs, clipL.MaxLength)
        let length = Math.Min(settings.TextLength, t5?.MaxLength ?? settings.TextLength)
        select new TextTokenizers(
            captions => Ids((clipL, configs.ClipL.Vocabulary, "text_encoder"), captions, clipLength, (context, t5 is null)),
            captions => Ids((clipG, configs.ClipG.Vocabulary, "text_encoder_2"), captions, clipLength, (context, false)),
            captions => Ids((t5!, configs.T5!.Vocabulary, "text_encoder_3"), captions, length, (context, true)),
            length);

    // The first tokenizer's length counts for both, as in diffusers: their states lie side by side.
    private static Result<int> ClipLength(ModelIndex index, Sd3Configs configs, int length)
    {
        foreach (var (part, positions) in ((string, int)[])[("text_encoder", configs.ClipL.Positions), ("text_encoder_2", configs.ClipG.Positions)])
        {
            if (length <= positions) continue;
            var message = $"the tokenizer cuts texts to {length} tokens, but '{part}' has only {positions} positions";
            return new Fault.Input(FaultCodes.BadTokenizer, message, new SourcePlace(Path.Combine(index.Component("tokenizer"), "tokenizer_config.json"), Key: "model_max_length"));
        }
        return length;
    }

    private static Tensor Ids((ITextTokenizer Tokenizer, int Rows, string Encoder) reader, IReadOnlyList<string> captions, int length, (PartContext Context, bool Warns) told)
    {
        var ids = new long[captions.Count * length];
        for (var i = 0; i < captions.Count; i++)
        {
            var text = reader.Tokenizer.Encode(captions[i], length);
            if (text.Ids.Max() >= reader.Rows)
            {
                var message = $"the caption '{Beginning(captions[i])}' holds a token with the id {text.Ids.Max()}, but '{reader.Encoder}' knows only {reader.Rows} tokens";
                throw new FaultException(new Fault.Input(FaultCodes.BadTokenizer, message));
            }
            text.Ids.CopyTo(ids, i * length);
            if (text.WasCut && told.Warns)
                told.Context.Warn(new Fault.Input(FaultCodes.CaptionCut, $"the caption '{Beginning(captions[i])}' is longer than the {length} tokens that '{told.Context.Name}' takes and was cut"));
        }
        return tensor(ids, [captions.Count, length]);
    }

    // A caption that is cut is a long one, and a warning is a line.
    private static string Beginning(string caption)
    {
        const int longest = 60;
        if (caption.Length <= longest) return caption;
        return $"{caption[..(char.IsHighSurrogate(caption[longest - 1]) ? longest - 1 : longest)]}…";
    }
}
