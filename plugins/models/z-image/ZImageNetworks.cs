using LeapAlign.Contracts.Planning;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Networks.Mmdit;
using LeapAlign.Networks.Qwen3;
using LeapAlign.Networks.Weights;
using LeapAlign.Networks.ZImage;
using LeapAlign.Pipeline;
using LeapAlign.Pipelines;
using static TorchSharp.torch;

namespace LeapAlign.Models.ZImage;

/// <summary>The networks of a pipeline and their weights. The transformer is trained or frozen, the others are frozen.</summary>
internal sealed class ZImageNetworks : IDisposable
{
    private readonly WeightSet _text = new();

    /// <summary>Declares every weight; no memory is used yet.</summary>
    /// <param name="configs">The architectures.</param>
    /// <param name="blocksPerCheckpoint">As of <see cref="PartContext.BlocksPerCheckpoint"/>.</param>
    public ZImageNetworks(ZImageConfigs configs, int blocksPerCheckpoint = 0)
    {
        Configs = configs;
        Transformer = new ZImageTransformer(configs.Transformer, Weights.Root, blocksPerCheckpoint);
        Autoencoder = new PictureAutoencoder(configs.Vae, blocksPerCheckpoint > 0);
        Text = new Qwen3Encoder(configs.Text, _text.Root);
    }

    /// <summary>Whether the transformer is trained: it has fp32 masters then. Frozen, its weights are kept in the precision of its arithmetic.</summary>
    public bool IsTrained { get; init; } = true;

    public ZImageConfigs Configs { get; }

    /// <summary>The weights of the transformer.</summary>
    public WeightSet Weights { get; } = new();

    public ZImageTransformer Transformer { get; }

    /// <summary>What the second time of a flow map passes through; null for a velocity.</summary>
    public GapEmbedding? Gap { get; private set; }

    public PictureAutoencoder Autoencoder { get; }

    public Qwen3Encoder Text { get; }

    /// <summary>The precision of the transformer's arithmetic.</summary>
    public ScalarType Type { get; private set; } = ScalarType.Float32;

    /// <summary>Reads every weight.</summary>
    public Result<Unit> Load(PipelineFolder folder, PipelineHomes homes, PipelineTypes types, FewerBits? fewerBits = null)
    {
        var loaded =
            from text in folder.LoadFrozen("text_encoder", _text, homes.Text, types.Text, WeightKeeping.Converted, Qwen3Encoder.DeclaredName)
            from vae in Autoencoder.Load(folder, homes.Decoder, types.Decoder)
            from transformer in folder.Load("transformer", Weights, homes.Transformer, types.Kept(IsTrained), IsTrained, fewerBits)
            select Unit.Value;
        return loaded.Map(unit =>
        {
            Prepare(types);
            return unit;
        });
    }

    /// <summary>What settings can move to the memory of the machine.</summary>
    /// <param name="homes">Where it is.</param>
    public IReadOnlyList<PlacedWeights> Placed(PipelineHomes homes) => homes.Placed((IsTrained ? null : Weights.Bytes, _text.Bytes, Autoencoder.Bytes));

    /// <summary>Opens the gap embedding where a flow map is asked for.</summary>
    /// <param name="folder">The model folder.</param>
    /// <param name="flowMap">Whether it is.</param>
    /// <param name="from">Its file where settings name one.</param>
    /// <param name="context">That of the model.</param>
    public Result<Unit> OpenGap(PipelineFolder folder, bool flowMap, string? from, PartContext context) => FlowMapFile.Open(folder, (flowMap, from, Configs.Transformer.ConditioningWidth), context).Map(gap =>
    {
        Gap = gap;
        return Unit.Value;
    });

    /// <summary><see cref="WeightSet.RequireFiles"/> of the text encoder.</summary>
    public void RequireTextFiles() => _text.RequireFiles();

    /// <summary>Makes every weight without content, for shapes on the "meta" device.</summary>
    public void Allocate(Device device, PipelineTypes types)
    {
        _text.Allocate(device, types.Text ?? ScalarType.Float32);
        _text.ComputeIn(types.Text ?? ScalarType.Float32);
        Autoencoder.Allocate(device, types.Decoder);
        Weights.Allocate(device, types.Kept(IsTrained));
        Prepare(types);
    }

    public void Dispose()
    {
        Gap?.Dispose();
        Weights.Dispose();
        _text.Dispose();
        Autoencoder.Dispose();
    }

    private void Prepare(PipelineTypes types)
    {
        Weights.SetTrained(IsTrained);
        Weights.ComputeIn(Type = types.Transformer);
    }
}
