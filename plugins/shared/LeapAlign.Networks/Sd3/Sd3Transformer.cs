using LeapAlign.Contracts.Adapters;
using LeapAlign.Contracts.Planning;
using LeapAlign.Networks.Layers;
using LeapAlign.Networks.Mmdit;
using LeapAlign.Networks.Weights;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Sd3;

/// <summary>
/// The velocity network of Stable Diffusion 3 and 3.5 (MMDiT), as diffusers' <c>SD3Transformer2DModel</c> computes it and names its weights.
/// </summary>
public sealed class Sd3Transformer
{
    private readonly PatchEmbedding _patches;
    private readonly ConditioningEmbedding _conditioning;
    private readonly Linear _context;
    private readonly BlockSequence _blocks;
    private readonly VelocityHead _head;
    private readonly Sd3Config _config;
    private readonly WeightScope[] _before;

    /// <summary>Declares the weights.</summary>
    /// <param name="config">The architecture.</param>
    /// <param name="scope">The scope of the whole network.</param>
    /// <param name="blocksPerCheckpoint">As of <see cref="BlockSequence"/>.</param>
    public Sd3Transformer(Sd3Config config, WeightScope scope, int blocksPerCheckpoint = 0)
    {
        ArgumentNullException.ThrowIfNull(config);
        _config = config;
        _patches = new PatchEmbedding(scope / "pos_embed", config);
        _conditioning = new ConditioningEmbedding(scope / "time_text_embed", config.Width, config.PooledWidth);
        _context = new Linear(scope / "context_embedder", config.ContextWidth, config.Width, role: SiteRole.Embedding);
        WeightScope[] scopes = [.. Enumerable.Range(0, config.Layers).Select(index => scope / "transformer_blocks" / index)];
        JointBlock[] blocks = [.. scopes.Select((block, index) => new JointBlock(block, config, index))];
        _blocks = new BlockSequence(scopes, 2, (index, streams, conditioning, _) => blocks[index].Forward(streams[0], streams[1], conditioning), blocksPerCheckpoint);
        _head = new VelocityHead(scope, config);
        _before = [scope / "pos_embed", scope / "time_text_embed", scope / "context_embedder"];
    }

    /// <summary>Predicts the velocity <c>noise − data</c>. Inputs of any floating-point type are computed with in the weights' type.</summary>
    /// <param name="latents">[B, C, H, W]; H and W are multiples of the patch size and at most its multiple by the position table's edge.</param>
    /// <param name="context">The text's token features, [B, T, context width].</param>
    /// <param name="pooled">The text's pooled features, [B, pooled width].</param>
    /// <param name="timestep">1000 σ, [B] fp32.</param>
    /// <param name="gap">As of <see cref="ConditioningEmbedding.Forward"/>.</param>
    /// <returns>[B, C, H, W] in the type of <paramref name="latents"/>.</returns>
    /// <exception cref="ArgumentException">The latents do not fit the patches or the position table.</exception>
    public Tensor Forward(Tensor latents, Tensor context, Tensor pooled, Tensor timestep, Tensor? gap = null)
    {
        ArgumentNullException.ThrowIfNull(latents);
        return Forward((latents, context, pooled), timestep, gap, throughBlocks: true);
    }

    /// <summary>The hidden states of the image's tokens after the first blocks; those after them are not evaluated.</summary>
    /// <param name="latents">As of <see cref="Forward(Tensor, Tensor, Tensor, Tensor, Tensor)"/>, and so are the others.</param>
    /// <param name="context">The text's token features.</param>
    /// <param name="pooled">The text's pooled features.</param>
    /// <param name="timestep">1000 σ.</param>
    /// <param name="blocks">After how many blocks, from 1.</param>
    /// <param name="gap">As of <see cref="ConditioningEmbedding.Forward"/>.</param>
    /// <returns>[B, tokens, width] in the type of the network's arithmetic.</returns>
    public Tensor Hidden(Tensor latents, Tensor context, Tensor pooled, Tensor timestep, int blocks, Tensor? gap = null)
    {
        using var scope = NewDisposeScope();
        return Streams((latents, context, pooled), timestep, gap, blocks).Image.MoveToOuterDisposeScope();
    }

    /// <summary>The weights that <see cref="Hidden"/> computes with.</summary>
    /// <param name="blocks">After how many blocks.</param>
    public IReadOnlyList<Weight> WeightsOfHidden(int blocks) => [.. _before.SelectMany(static scope => scope.Weights), .. _blocks.Weights(blocks)];

    /// <summary>Pieces of its work.</summary>
    /// <param name="latents">The shape of the latents, [B, C, H, W].</param>
    /// <param name="tokens">Tokens of the context.</param>
    /// <param name="device">Where it computes.</param>
    /// <param name="trained">Whether its weights are trained.</param>
    public IEnumerable<WorkPiece> Work(long[] latents, long tokens, Device device, bool trained)
    {
        ArgumentNullException.ThrowIfNull(latents);
        var (samples, type) = (latents[0], _patches.ComputeType);
        Tensor Numbers(params long[] shape) => randn(shape, dtype: ScalarType.Float32, device: device);
        var image = latents[2] / _config.PatchSize * (latents[3] / _config.PatchSize);
        return
        [
            .. _blocks.Work(() => [Numbers(samples, image, _config.Width).to(type), Numbers(samples, tokens, _config.Width).to(type)], () => Numbers(samples, _config.Width).to(type), static () => [], trained),
            new WorkPiece(
                "before and after blocks",
                WorkStage.Velocity,
                () => [Numbers(latents), Numbers(samples, tokens, _config.ContextWidth), Numbers(samples, _config.PooledWidth), full([samples], 500, dtype: ScalarType.Float32, device: device)],
                inputs => [Forward((inputs[0], inputs[1], inputs[2]), inputs[3], null, throughBlocks: false)]),
        ];
    }

    private Tensor Forward((Tensor Latents, Tensor Context, Tensor Pooled) inputs, Tensor timestep, Tensor? gap, bool throughBlocks)
    {
        using var scope = NewDisposeScope();
        var (image, conditioning) = Streams(inputs, timestep, gap, throughBlocks ? _config.Layers : 0);
        return _head.Forward(image, conditioning, inputs.Latents.shape[2] / _config.PatchSize).to(inputs.Latents.dtype).MoveToOuterDisposeScope();
    }

    private (Tensor Image, Tensor Conditioning) Streams((Tensor Latents, Tensor Context, Tensor Pooled) inputs, Tensor timestep, Tensor? gap, int blocks)
    {
        var type = _patches.ComputeType;
        var image = _patches.Forward(inputs.Latents.to(type));
        var conditioning = Activation.Silu(_conditioning.Forward(timestep, guidance: null, inputs.Pooled.to(type), gap));
        var text = _context.Forward(inputs.Context.to(type));
        return (blocks == 0 ? image : _blocks.Forward(blocks, [image, text], conditioning, [])[0], conditioning);
    }
}
