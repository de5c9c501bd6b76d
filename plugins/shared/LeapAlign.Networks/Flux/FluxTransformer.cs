using LeapAlign.Contracts.Adapters;
using LeapAlign.Contracts.Planning;
using LeapAlign.Networks.Layers;
using LeapAlign.Networks.Mmdit;
using LeapAlign.Networks.Weights;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Flux;

/// <summary>The velocity network of FLUX.1, as diffusers' <c>FluxTransformer2DModel</c> computes it and names its weights.</summary>
public sealed class FluxTransformer
{
    private readonly FluxConfig _config;
    private readonly Linear _tokens;
    private readonly ConditioningEmbedding _conditioning;
    private readonly Linear _context;
    private readonly BlockSequence _blocks;
    private readonly OutputProjection _output;
    private readonly WeightScope[] _before;

    /// <summary>Declares the weights.</summary>
    /// <param name="config">The architecture.</param>
    /// <param name="scope">The scope of the whole network.</param>
    /// <param name="blocksPerCheckpoint">As of <see cref="BlockSequence"/>.</param>
    public FluxTransformer(FluxConfig config, WeightScope scope, int blocksPerCheckpoint = 0)
    {
        ArgumentNullException.ThrowIfNull(config);
        _config = config;
        _conditioning = new ConditioningEmbedding(scope / "time_text_embed", config.Width, config.PooledWidth, config.EmbedsGuidance);
        _context = new Linear(scope / "context_embedder", config.ContextWidth, config.Width, role: SiteRole.Embedding);
        _tokens = new Linear(scope / "x_embedder", config.InChannels, config.Width, role: SiteRole.Embedding);
        WeightScope[] scopes =
        [
            .. Enumerable.Range(0, config.DoubleLayers).Select(index => scope / "transformer_blocks" / index),
            .. Enumerable.Range(0, config.SingleLayers).Select(index => scope / "single_transformer_blocks" / index),
        ];
        IFluxBlock[] blocks = [.. scopes.Select((block, index) => index < config.DoubleLayers ? (IFluxBlock)new DoubleStreamBlock(block, config) : new SingleStreamBlock(block, config))];
        _blocks = new BlockSequence(
            scopes,
            2,
            (index, streams, conditioning, positions) =>
            {
                var (image, context) = blocks[index].Forward(streams[0], streams[1], conditioning, new RotaryPositions(positions[0], positions[1]));
                return [image, context];
            },
            blocksPerCheckpoint);
        _output = new OutputProjection(scope, config.Width, config.OutChannels);
        _before = [scope / "time_text_embed", scope / "context_embedder", scope / "x_embedder"];
    }

    /// <summary>Predicts the velocity <c>noise − data</c>, computing in the weights' type.</summary>
    /// <returns>[B, L, out channels] in the type of the tokens.</returns>
    /// <exception cref="ArgumentException">The guidance scale is missing or not taken, or there are more or fewer places than tokens.</exception>
    public Tensor Forward(FluxInputs inputs)
    {
        RequirePlaces(inputs);
        return Forward(inputs, throughBlocks: true);
    }

    /// <summary>The hidden states of the image's tokens after the first blocks, double ones before single ones; those after them are not evaluated.</summary>
    /// <param name="inputs">As of <see cref="Forward(FluxInputs)"/>.</param>
    /// <param name="blocks">After how many blocks, from 1.</param>
    /// <returns>[B, L, width] in the type of the network's arithmetic.</returns>
    /// <exception cref="ArgumentException">As of <see cref="Forward(FluxInputs)"/>.</exception>
    public Tensor Hidden(FluxInputs inputs, int blocks)
    {
        RequirePlaces(inputs);
        using var scope = NewDisposeScope();
        return Streams(inputs, blocks).Image.MoveToOuterDisposeScope();
    }

    /// <summary>The weights that <see cref="Hidden"/> computes with.</summary>
    /// <param name="blocks">After how many blocks.</param>
    public IReadOnlyList<Weight> WeightsOfHidden(int blocks) => [.. _before.SelectMany(static scope => scope.Weights), .. _blocks.Weights(blocks)];

    /// <summary>Pieces of its work.</summary>
    /// <param name="like">Inputs of the shapes that an evaluation has.</param>
    /// <param name="trained">Whether its weights are trained.</param>
    public IEnumerable<WorkPiece> Work(Func<FluxInputs> like, bool trained)
    {
        ArgumentNullException.ThrowIfNull(like);
        Tensor[] Of(Func<FluxInputs, IEnumerable<Tensor>> made)
        {
            using var scope = NewDisposeScope();
            return [.. made(like()).Select(static tensor => tensor.MoveToOuterDisposeScope())];
        }

        Tensor Numbers(Tensor tokens) => randn([tokens.shape[0], tokens.shape[1], _config.Width], dtype: ScalarType.Float32, device: tokens.device).to(_tokens.ComputeType);
        return
        [
            .. _blocks.Work(
                () => Of(inputs => [Numbers(inputs.Tokens), Numbers(inputs.Context)]),
                () => Of(inputs => [Numbers(inputs.Tokens).select(1, 0).clone()])[0],
                () => Of(inputs =>
                {
                    var positions = RotaryPositions.Of(cat([inputs.TextPlaces, inputs.ImagePlaces], 0), _config.RotaryWidths);
                    return [positions.Cosines, positions.Sines];
                }),
                trained),
            new WorkPiece("before and after blocks", WorkStage.Velocity, () => Of(static inputs => [inputs.Tokens]), tokens =>
            {
                using var scope = NewDisposeScope();
                return [Forward(like() with { Tokens = tokens[0] }, throughBlocks: false).MoveToOuterDisposeScope()];
            }),
        ];
    }

    private Tensor Forward(FluxInputs inputs, bool throughBlocks)
    {
        using var scope = NewDisposeScope();
        var (image, conditioning) = Streams(inputs, throughBlocks ? _config.DoubleLayers + _config.SingleLayers : 0);
        return _output.Forward(image, conditioning).to(inputs.Tokens.dtype).MoveToOuterDisposeScope();
    }

    private (Tensor Image, Tensor Conditioning) Streams(FluxInputs inputs, int blocks)
    {
        var type = _tokens.ComputeType;
        var guidance = inputs.Guidance is { } scale ? FluxTime.Encoded(scale, type) : null;
        // Jumps differ by less than bf16 tells apart.
        var time = FluxTime.Encoded(inputs.Sigma, inputs.HasExactTimes ? ScalarType.Float32 : type);
        var conditioning = Activation.Silu(_conditioning.Forward(time, guidance, inputs.Pooled.to(type), inputs.Gap));
        var positions = RotaryPositions.Of(cat([inputs.TextPlaces, inputs.ImagePlaces], 0), _config.RotaryWidths);
        var (image, context) = (_tokens.Forward(inputs.Tokens.to(type)), _context.Forward(inputs.Context.to(type)));
        return (blocks == 0 ? image : _blocks.Forward(blocks, [image, context], conditioning, [positions.Cosines, positions.Sines])[0], conditioning);
    }

    private static void RequirePlaces(FluxInputs inputs)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        RequirePlaces(inputs.ImagePlaces, inputs.Tokens, "image");
        RequirePlaces(inputs.TextPlaces, inputs.Context, "text");
    }

    private static void RequirePlaces(Tensor places, Tensor tokens, string what)
    {
        if (!places.shape.SequenceEqual([tokens.shape[1], FluxConfig.Axes]))
            throw new ArgumentException($"the {what}'s places are [{string.Join(", ", places.shape)}], but there are {tokens.shape[1]} tokens with {FluxConfig.Axes} numbers each", nameof(places));
    }
}
