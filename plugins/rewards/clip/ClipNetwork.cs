using LeapAlign.Contracts.Plugins;
using LeapAlign.Networks.Clip;
using LeapAlign.Networks.Weights;
using LeapAlign.Pipeline;
using LeapAlign.Storage.Safetensors;
using static TorchSharp.torch;

namespace LeapAlign.Rewards.Clip;

/// <summary>A frozen CLIP model, its weights and its preprocessing.</summary>
internal sealed class ClipNetwork : IDisposable
{
    private readonly WeightSet _weights = new();
    private readonly ClipImageProcessor _processor;
    private readonly ScalarType _type;

    /// <summary>Declares the weights; no memory is used yet.</summary>
    public ClipNetwork(ClipConfig config, ClipImageProcessor processor, Device device, ScalarType type)
    {
        (Config, Device, _processor, _type) = (config, device, processor, type);
        Model = new ClipModel(config, _weights.Root);
    }

    public ClipConfig Config { get; }

    public ClipModel Model { get; }

    public Device Device { get; }

    /// <summary>What reads captions for it; null until the folder is opened whole.</summary>
    public ClipCaptions? Captions { get; private set; }

    /// <summary>Reads a whole model folder: configuration, tokenizer, weights.</summary>
    public static Result<ClipNetwork> Open(string folder, PartContext context) => Declare(folder, context).Bind(network =>
    {
        var opened =
            from captions in ClipCaptions.Load(folder, network.Config.Text, context.Warn)
            from loaded in network.Load(folder)
            select network.With(captions);
        if (!opened.IsOk) network.Dispose();
        return opened;
    });

    /// <summary>Reads the configurations of a model folder.</summary>
    public static Result<ClipNetwork> Declare(string folder, PartContext context) =>
        from config in ClipConfig.Read(Path.Combine(folder, "config.json"), context.Warn)
        from processor in ClipImageProcessor.Read(folder, config.Vision, context.Warn)
        select new ClipNetwork(config, processor, context.Device, context.ComputeType);

    /// <summary>Reads the weights, in the compute type: nothing trains them.</summary>
    public Result<Unit> Load(string folder) =>
        SafetensorsFolder.Open(folder).Bind(source =>
        {
            using (source) return _weights.Load(source, Device, _type, keeping: WeightKeeping.Mapped);
        }).Map(Prepare);

    /// <summary>Makes the weights without content, for shapes on the "meta" device.</summary>
    public Unit Allocate()
    {
        _weights.Allocate(Device, _type);
        return Prepare(Unit.Value);
    }

    /// <summary>[B, 3, H, W] in [0, 1] to [B, features] of unit length, with gradient.</summary>
    public Tensor ImageFeatures(Tensor images)
    {
        _weights.RequireFiles();
        return Model.ImageFeatures(_processor.Prepare(images));
    }

    public void Dispose() => _weights.Dispose();

    private ClipNetwork With(ClipCaptions captions)
    {
        Captions = captions;
        return this;
    }

    private Unit Prepare(Unit unit)
    {
        _weights.SetTrained(false);
        _weights.ComputeIn(_type);
        return unit;
    }
}
