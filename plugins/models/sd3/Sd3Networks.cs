using LeapAlign.Contracts.Planning;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Networks.Clip;
using LeapAlign.Networks.Mmdit;
using LeapAlign.Networks.Sd3;
using LeapAlign.Networks.T5;
using LeapAlign.Networks.Weights;
using LeapAlign.Pipeline;
using LeapAlign.Pipelines;
using static TorchSharp.torch;

namespace LeapAlign.Models.Sd3;

/// <summary>The networks of a pipeline and their weights. The transformer is trained or frozen, the others are frozen.</summary>
internal sealed class Sd3Networks : IDisposable
{
    private readonly WeightSet _clipL = new();
    private readonly WeightSet _clipG = new();
    private readonly WeightSet _t5 = new();

    /// <summary>Declares every weight; no memory is used yet.</summary>
    /// <param name="configs">The architectures.</param>
    /// <param name="blocksPerCheckpoint">As of <see cref="PartContext.BlocksPerCheckpoint"/>.</param>
    public Sd3Networks(Sd3Configs configs, int blocksPerCheckpoint = 0)
    {
        Configs = configs;
        Transformer = new Sd3Transformer(configs.Transformer, Weights.Root, blocksPerCheckpoint);
        Autoencoder = new PictureAutoencoder(configs.Vae, blocksPerCheckpoint > 0);
        ClipL = new ClipTextEncoder(configs.ClipL, _clipL.Root);
        ClipG = new ClipTextEncoder(configs.ClipG, _clipG.Root);
        if (configs.T5 is { } t5) T5 = new T5Encoder(t5, _t5.Root);
    }

    /// <summary>Whether the transformer is trained: it has fp32 masters then. Frozen, its weights are kept in the precision of its arithmetic.</summary>
    public bool IsTrained { get; init; } = true;

    public Sd3Configs Configs { get; }

    /// <summary>The weights of the transformer.</summary>
    public WeightSet Weights { get; } = new();

    public Sd3Transformer Transformer { get; }

    /// <summary>What the second time of a flow map passes through; null for a velocity.</summary>
    public GapEmbedding? Gap { get; private set; }

    public PictureAutoencoder Autoencoder { get; }

    public ClipTextEncoder ClipL { get; }

    public ClipTextEncoder ClipG { get; }

    public T5Encoder? T5 { get; }

    private WeightSet[] TextWeights => [_clipL, _clipG, _t5];

    /// <summary>Reads every weight.</summary>
    public Result<Unit> Load(PipelineFolder folder, PipelineHomes homes, PipelineTypes types, FewerBits? fewerBits = null)
    {
        var loaded =
            from l in folder.LoadFrozen("text_encoder", _clipL, homes.Text, types.Text, WeightKeeping.Converted, ClipTextEncoder.DeclaredName)
            from g in folder.LoadFrozen("text_encoder_2", _clipG, homes.Text, types.Text, WeightKeeping.Converted, ClipTextEncoder.DeclaredName)
            from t5 in T5 is null ? Unit.Value : folder.LoadFrozen("text_encoder_3", _t5, homes.Text, types.Text, WeightKeeping.Converted, T5Encoder.DeclaredName)
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
    public IReadOnlyList<PlacedWeights> Placed(PipelineHomes homes) => homes.Placed((IsTrained ? null : Weights.Bytes, TextWeights.Sum(static set => set.Bytes), Autoencoder.Bytes));

    /// <summary>Opens the gap embedding where a flow map is asked for.</summary>
    /// <param name="folder">The model folder.</param>
    /// <param name="flowMap">Whether it is.</param>
    /// <param name="from">Its file where settings name one.</param>
    /// <param name="context">That of the model.</param>
    public Result<Unit> OpenGap(PipelineFolder folder, bool flowMap, string? from, PartContext context) => FlowMapFile.Open(folder, (flowMap, from, Configs.Transformer.Width), context).Map(gap =>
    {
        Gap = gap;
        return Unit.Value;
    });

    /// <summary><see cref="WeightSet.RequireFiles"/> of the text encoders.</summary>
    public void RequireTextFiles()
    {
        foreach (var set in TextWeights) set.RequireFiles();
    }

    /// <summary>Makes every weight without content, for shapes on the "meta" device.</summary>
    public void Allocate(Device device, PipelineTypes types)
    {
        foreach (var set in TextWeights)
        {
            set.Allocate(device, types.Text ?? ScalarType.Float32);
            set.ComputeIn(types.Text ?? ScalarType.Float32);
        }
        Autoencoder.Allocate(device, types.Decoder);
        Weights.Allocate(device, types.Kept(IsTrained));
        Prepare(types);
    }

    public void Dispose()
    {
        Gap?.Dispose();
        foreach (var set in (WeightSet[])[Weights, .. TextWeights]) set.Dispose();
        Autoencoder.Dispose();
    }

    private void Prepare(PipelineTypes types)
    {
        Weights.SetTrained(IsTrained);
        Weights.ComputeIn(types.Transformer);
    }
}
