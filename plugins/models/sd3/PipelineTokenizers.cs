using LeapAlign.Contracts.Plugins;
using LeapAlign.Networks.Tokenizers;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Models.Sd3;

/// <summary>Opens the tokenizers of a pipeline folder. A caption that is longer than they take is cut, with a warning.</summary>
internal static class PipelineTokenizers
{
    public static Result<TextTokenizers> Load(ModelIndex index, Sd3Settings settings, PartContext context) =>
        from clipL in ClipTokenizer.Load(index.Component("tokenizer"))
        from clipG in ClipTokenizer.Load(index.Component("tokenizer_2"))
        from t5 in index.HasT5 ? T5Tokenizer.Load(index.Component("tokenizer_3")).Map(static tokenizer => (ITextTokenizer?)tokenizer) : Result.Ok<ITextTokenizer?>(null)
        let length = Math.Min(settings.TextLength, t5?.MaxLength ?? settings.TextLength)
        select new TextTokenizers(
            captions => Ids(clipL, captions, clipL.MaxLength, t5 is null ? context : null),
            captions => Ids(clipG, captions, clipG.MaxLength, null),
            captions => Ids(t5!, captions, length, context),
            length);

    private static Tensor Ids(ITextTokenizer tokenizer, IReadOnlyList<string> captions, int length, PartContext? warn)
    {
        var ids = new long[captions.Count * length];
        for (var i = 0; i < captions.Count; i++)
        {
            var text = tokenizer.Encode(captions[i], length);
            text.Ids.CopyTo(ids, i * length);
            if (text.WasCut)
                warn?.Warn(new Fault.Input(FaultCodes.CaptionCut, $"the caption '{captions[i]}' is longer than the {length} tokens that '{warn.Name}' takes and was cut"));
        }
        return tensor(ids, [captions.Count, length]);
    }
}
