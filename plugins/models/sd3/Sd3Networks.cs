using LeapAlign.Networks.Clip;
using LeapAlign.Networks.Sd3;
using LeapAlign.Networks.T5;
using LeapAlign.Networks.Vae;
using LeapAlign.Networks.Weights;
using LeapAlign.Pipeline;
using LeapAlign.Storage.Safetensors;
using static TorchSharp.torch;

namespace LeapAlign.Models.Sd3;

/// <summary>The precisions of a pipeline's networks.</summary>
/// <param name="Transformer">Of the arithmetic of the trained network; its weights are kept in fp32.</param>
/// <param name="Text">Of the text encoders.</param>
/// <param name="Decoder">Of the picture decoder.</param>
internal sealed record Sd3Types(ScalarType Transformer, ScalarType Text, ScalarType Decoder);

/// <summary>The networks of a pipeline and their weights. The transformer is trained or frozen, the others are frozen.</summary>
internal sealed class Sd3Networks : IDisposable
{
    private readonly WeightSet _vae = new();
    private readonly WeightSet _clipL = new();
    private readonly WeightSet _clipG = new();
    private readonly WeightSet _t5 = new();

    /// <summary>Declares every weight; no memory is used yet.</summary>
    public Sd3Networks(Sd3Configs configs)
    {
        Configs = configs;
        Transformer = new Sd3Transformer(configs.Transformer, Weights.Root);
        Autoencoder = new Autoencoder(configs.Vae, _vae.Root);
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

    public Autoencoder Autoencoder { get; }

    public ClipTextEncoder ClipL { get; }

    public ClipTextEncoder ClipG { get; }

    public T5Encoder? T5 { get; }

    private WeightSet[] TextWeights => [_clipL, _clipG, _t5];

    /// <summary>Reads every weight.</summary>
    public Result<Unit> Load(ModelIndex index, Device device, Sd3Types types)
    {
        var loaded =
            from l in Load(_clipL, index.Component("text_encoder"), device, types.Text, ClipTextEncoder.DeclaredName)
            from g in Load(_clipG, index.Component("text_encoder_2"), device, types.Text, ClipTextEncoder.DeclaredName)
            from t5 in T5 is null ? Unit.Value : Load(_t5, index.Component("text_encoder_3"), device, types.Text, T5Encoder.DeclaredName)
            from vae in Load(_vae, index.Component("vae"), device, types.Decoder, null)
            from transformer in Load(Weights, index.Component("transformer"), device, Kept(types), null)
            select Unit.Value;
        return loaded.Map(unit =>
        {
            Prepare(types);
            return unit;
        });
    }

    /// <summary>Makes every weight without content, for shapes on the "meta" device.</summary>
    public void Allocate(Device device, Sd3Types types)
    {
        foreach (var set in TextWeights) set.Allocate(device, types.Text);
        _vae.Allocate(device, types.Decoder);
        Weights.Allocate(device, Kept(types));
        Prepare(types);
    }

    public void Dispose()
    {
        foreach (var set in (WeightSet[])[Weights, _vae, .. TextWeights]) set.Dispose();
    }

    private ScalarType Kept(Sd3Types types) => IsTrained ? ScalarType.Float32 : types.Transformer;

    private void Prepare(Sd3Types types)
    {
        foreach (var set in TextWeights) set.ComputeIn(types.Text);
        _vae.ComputeIn(types.Decoder);
        Weights.SetTrained(IsTrained);
        Weights.ComputeIn(types.Transformer);
    }

    private static Result<Unit> Load(WeightSet weights, string folder, Device device, ScalarType type, Func<string, string>? rename) =>
        SafetensorsFolder.Open(folder, ExportFiles.StemOf(Path.GetFileName(folder))).Bind(source =>
        {
            using (source) return weights.Load(source, device, type, rename);
        });
}
