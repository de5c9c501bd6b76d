using LeapAlign.Contracts.Plugins;
using LeapAlign.Networks.Tokenizers;
using LeapAlign.Pipeline;
using LeapAlign.Pipelines;
using static TorchSharp.torch;

namespace LeapAlign.Models.ZImage;

/// <summary>Captions to conditioning, as diffusers' <c>ZImagePipeline</c> does it: the states that go into the last layer of the language model, for the tokens of the message alone. Their mean is the pooled state.</summary>
/// <param name="networks">The networks.</param>
/// <param name="ids">Ids of captions, padded on the right, and how many of each are its own.</param>
/// <param name="length">Tokens of a caption at most.</param>
/// <param name="homes">Where the networks of the pipeline live.</param>
internal sealed class TextConditioner(ZImageNetworks networks, Func<IReadOnlyList<string>, (Tensor Ids, int[] Lengths)> ids, int length, PipelineHomes homes)
{
    /// <summary>Tokens of a caption at most.</summary>
    public int Length => length;

    /// <summary>Where the networks of the pipeline live.</summary>
    public PipelineHomes Homes => homes;

    /// <summary>Where conditioning goes.</summary>
    public Device Device => homes.Run;

    /// <summary>Opens the tokenizer of a folder.</summary>
    public static Result<ChatTokenizer> Open(PipelineFolder folder, ZImageConfigs configs, int length, PartContext context) =>
        Qwen2Tokenizer.Load(folder.Component("tokenizer"), context.Warn).Map(loaded => new ChatTokenizer
        {
            Tokenizer = loaded,
            Message = QwenChat.Asking,
            Encoder = "text_encoder",
            Rows = configs.Text.Vocabulary,
            Length = Math.Min(length, loaded.MaxLength),
            Warns = context,
        });

    /// <summary>Encodes a batch without gradient, in fp32 on the device of the run.</summary>
    public TextEmbedding Encode(IReadOnlyList<string> captions)
    {
        networks.RequireTextFiles();
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var (tokens, lengths) = ids(captions);
        // No token sees one behind it: padding on the right changes nothing of the others, and its own states are not used.
        var all = (IReadOnlyList<int>)[.. lengths.Select(_ => (int)tokens.shape[1])];
        var states = networks.Text.States(tokens.to(homes.Text.Device), all, networks.Configs.Text.Layers - 1)[0].to(ScalarType.Float32).to(homes.Run);
        var pooled = stack([.. lengths.Select((own, sample) => states[sample].narrow(0, 0, own).mean([0]))], 0);
        return new TextEmbedding(states, pooled) { Lengths = lengths };
    }
}
