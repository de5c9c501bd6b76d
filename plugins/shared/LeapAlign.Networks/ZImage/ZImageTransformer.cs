using LeapAlign.Contracts.Adapters;
using LeapAlign.Contracts.Planning;
using LeapAlign.Contracts.Weights;
using LeapAlign.Networks.Flux;
using LeapAlign.Networks.Layers;
using LeapAlign.Networks.Mmdit;
using LeapAlign.Networks.Weights;
using static TorchSharp.torch;

namespace LeapAlign.Networks.ZImage;

/// <summary>
/// The network of Z-Image, as diffusers' <c>ZImageTransformer2DModel</c> computes it and names its weights. It is given the time <c>1 − σ</c> and gives <c>data − noise</c>, minus the velocity of other
/// networks. Captions of different lengths in a batch give what each gives alone.
/// </summary>
public sealed class ZImageTransformer
{
    private const double FinalEpsilon = 1e-6;
    private const long TimeWidth = 1024;

    private readonly ZImageConfig _config;
    private readonly Linear _tokens, _caption, _firstTime, _secondTime, _scale, _output;
    private readonly RmsNorm _captionNorm;
    private readonly LayerNorm _finalNorm;
    private readonly Weight _picturePadding, _captionPadding;
    private readonly BlockSequence? _refinePicture, _refineCaption;
    private readonly BlockSequence _blocks;
    private readonly WeightScope[] _before;
    private readonly TorchSharp.Scalar _timeScale;

    /// <summary>Declares the weights.</summary>
    /// <param name="config">The architecture.</param>
    /// <param name="scope">The scope of the whole network.</param>
    /// <param name="blocksPerCheckpoint">As of <see cref="BlockSequence"/>.</param>
    public ZImageTransformer(ZImageConfig config, WeightScope scope, int blocksPerCheckpoint = 0)
    {
        ArgumentNullException.ThrowIfNull(config);
        (_config, _timeScale) = (config, config.TimeScale);
        var values = config.Channels * ZImageTokens.Patch * ZImageTokens.Patch;
        var (embedder, final, time) = (scope / "all_x_embedder" / "2-1", scope / "all_final_layer" / "2-1", scope / "t_embedder" / "mlp");
        _tokens = new Linear(embedder, values, config.Width, role: SiteRole.Embedding);
        _refinePicture = Blocks(scope / "noise_refiner", config.RefinerLayers, isModulated: true, blocksPerCheckpoint);
        _refineCaption = Blocks(scope / "context_refiner", config.RefinerLayers, isModulated: false, blocksPerCheckpoint);
        _firstTime = new Linear(time / 0, Sinusoid.Width, TimeWidth, role: SiteRole.Embedding);
        _secondTime = new Linear(time / 2, TimeWidth, config.ConditioningWidth, role: SiteRole.Embedding);
        _captionNorm = new RmsNorm(scope / "cap_embedder" / 0, config.CaptionWidth, config.Epsilon);
        _caption = new Linear(scope / "cap_embedder" / 1, config.CaptionWidth, config.Width, role: SiteRole.Embedding);
        _picturePadding = scope.Weight("x_pad_token", ParameterRole.Embedding, 1, config.Width);
        _captionPadding = scope.Weight("cap_pad_token", ParameterRole.Embedding, 1, config.Width);
        _blocks = Blocks(scope / "layers", config.Layers, isModulated: true, blocksPerCheckpoint)!;
        _finalNorm = new LayerNorm(config.Width, FinalEpsilon);
        _scale = new Linear(final / "adaLN_modulation" / 1, config.ConditioningWidth, config.Width, role: SiteRole.Modulation);
        _output = new Linear(final / "linear", config.Width, values, role: SiteRole.Embedding);
        _before = [embedder, scope / "noise_refiner", scope / "context_refiner", scope / "t_embedder", scope / "cap_embedder"];
    }

    /// <summary>Predicts <c>data − noise</c>, computing in the weights' type.</summary>
    /// <returns>[B, C, h, w] in the type of the latents.</returns>
    /// <exception cref="ArgumentException">The latents are not a whole number of tokens, or there are more places than the network has, or lengths that do not fit the context.</exception>
    public Tensor Forward(ZImageInputs inputs) => Forward(inputs, throughBlocks: true);

    /// <summary>The hidden states of the picture's tokens after the first blocks that it shares with the caption; those after them are not evaluated.</summary>
    /// <param name="inputs">As of <see cref="Forward(ZImageInputs)"/>.</param>
    /// <param name="blocks">After how many blocks, from 1.</param>
    /// <returns>[B, L, width] in the type of the network's arithmetic.</returns>
    public Tensor Hidden(ZImageInputs inputs, int blocks)
    {
        using var scope = NewDisposeScope();
        return Through(inputs, blocks).Picture.MoveToOuterDisposeScope();
    }

    /// <summary>The weights that <see cref="Hidden"/> computes with.</summary>
    /// <param name="blocks">After how many blocks.</param>
    public IReadOnlyList<Weight> WeightsOfHidden(int blocks) => [.. _before.SelectMany(static scope => scope.Weights), _picturePadding, _captionPadding, .. _blocks.Weights(blocks)];

    /// <summary>Pieces of its work.</summary>
    /// <param name="like">Inputs of the shapes that an evaluation has.</param>
    /// <param name="trained">Whether its weights are trained.</param>
    public IEnumerable<WorkPiece> Work(Func<ZImageInputs> like, bool trained)
    {
        ArgumentNullException.ThrowIfNull(like);
        Tensor[] Of(Func<ZImageInputs, ZImageSequences, IEnumerable<Tensor>> made)
        {
            using var scope = NewDisposeScope();
            var inputs = like();
            return [.. made(inputs, new ZImageSequences(inputs, _config, _tokens.ComputeType)).Select(static tensor => tensor.MoveToOuterDisposeScope())];
        }

        Tensor Numbers(ZImageInputs inputs, params long[] shape) => randn([inputs.Latents.shape[0], .. shape], dtype: ScalarType.Float32, device: inputs.Latents.device).to(_tokens.ComputeType);
        IEnumerable<WorkPiece> Blocks(BlockSequence? blocks, string name, Func<ZImageSequences, int> tokens, Func<ZImageSequences, Tensor[]> constants) => blocks?.Work(
            () => Of((inputs, all) => [Numbers(inputs, tokens(all), _config.Width)]),
            () => Of((inputs, _) => [Numbers(inputs, _config.ConditioningWidth)])[0],
            () => Of((_, all) => constants(all)),
            trained).Select(piece => piece with { Name = $"{name}{piece.Name}" }) ?? [];
        return
        [
            .. Blocks(_refinePicture, "noise refiner, ", static all => all.PictureTokens, static all => all.OfPicture),
            .. Blocks(_refineCaption, "context refiner, ", static all => all.CaptionTokens, static all => all.OfCaptions),
            .. Blocks(_blocks, "", static all => all.PictureTokens + all.CaptionTokens, static all => all.OfBoth),
            new WorkPiece("before and after blocks", WorkStage.Velocity, () => Of(static (inputs, _) => [inputs.Latents]), latents =>
            {
                using var scope = NewDisposeScope();
                return [Forward(like() with { Latents = latents[0] }, throughBlocks: false).MoveToOuterDisposeScope()];
            }),
        ];
    }

    private Tensor Forward(ZImageInputs inputs, bool throughBlocks)
    {
        using var scope = NewDisposeScope();
        var (picture, conditioning) = Through(inputs, throughBlocks ? _config.Layers : 0);
        var scale = _scale.Forward(Activation.Silu(conditioning)).unsqueeze(1);
        var tokens = _output.Forward(_finalNorm.Forward(picture) * (1 + scale));
        return ZImageTokens.Unpack(tokens, inputs.Latents.shape[2], inputs.Latents.shape[3]).to(inputs.Latents.dtype).MoveToOuterDisposeScope();
    }

    private (Tensor Picture, Tensor Conditioning) Through(ZImageInputs inputs, int blocks)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        var type = _tokens.ComputeType;
        var all = new ZImageSequences(inputs, _config, type);
        var conditioning = _secondTime.Forward(Activation.Silu(_firstTime.Forward(Sinusoid.Encode(inputs.Time.mul(_timeScale)).to(type))));
        if (inputs.Gap is { } gap) conditioning += gap.to(type);
        var picture = _tokens.Forward(ZImageTokens.Pack(inputs.Latents).to(type));
        var own = picture.shape[1];
        if (all.PictureTokens > own) picture = cat([picture, _picturePadding.Value.expand(picture.shape[0], all.PictureTokens - own, -1)], 1);
        var caption = Filled(_caption.Forward(_captionNorm.Forward(inputs.Context.to(type))), all);
        if (blocks == 0) return (picture.narrow(1, 0, own), conditioning);
        if (_refinePicture is not null) picture = _refinePicture.Forward([picture], conditioning, all.OfPicture)[0];
        if (_refineCaption is not null) caption = _refineCaption.Forward([caption], conditioning, all.OfCaptions)[0];
        var both = _blocks.Forward(blocks, [cat([picture, caption], 1)], conditioning, all.OfBoth)[0];
        return (both.narrow(1, 0, own), conditioning);
    }

    // Rows behind a caption's end are the network's own token. Selected by a product: the "meta" device has no where().
    private Tensor Filled(Tensor caption, ZImageSequences all)
    {
        var (rows, wanted) = (caption.shape[1], (long)all.CaptionTokens);
        if (rows < wanted) caption = nn.functional.pad(caption, [0, 0, 0, wanted - rows]);
        else if (rows > wanted) caption = caption.narrow(1, 0, wanted);
        return (caption * all.Counts) + (_captionPadding.Value.unsqueeze(0) * (1 - all.Counts));
    }

    private BlockSequence? Blocks(WeightScope scope, int count, bool isModulated, int blocksPerCheckpoint)
    {
        if (count == 0) return null;
        WeightScope[] scopes = [.. Enumerable.Range(0, count).Select(index => scope / index)];
        ZImageBlock[] blocks = [.. scopes.Select(block => new ZImageBlock(block, _config, isModulated))];
        return new BlockSequence(
            scopes,
            1,
            (index, streams, conditioning, constants) => [blocks[index].Forward(streams[0], conditioning, new RotaryPositions(constants[0], constants[1]), constants.Length > 2 ? constants[2] : null)],
            blocksPerCheckpoint);
    }
}
