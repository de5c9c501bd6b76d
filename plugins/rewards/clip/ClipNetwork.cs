using LeapAlign.Contracts.Plugins;
using LeapAlign.Networks.Clip;
using LeapAlign.Networks.Weights;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Rewards.Clip;

/// <summary>A frozen CLIP model and its weights. Several rewards may look through it, each with a preprocessing of its own.</summary>
internal sealed class ClipNetwork : IDisposable
{
    private readonly WeightSet _weights = new();
    private readonly ScalarType _type;

    /// <summary>Declares the weights; no memory is used yet.</summary>
    public ClipNetwork(ClipConfig config, Device device, ScalarType type, int layersPerCheckpoint = 0)
    {
        (Config, Device, _type) = (config, device, type);
        Model = new ClipModel(config, _weights.Root, layersPerCheckpoint);
    }

    public ClipConfig Config { get; }

    public ClipModel Model { get; }

    public Device Device { get; }

    /// <summary>Reads the weights of a folder, or finds them where another reward of the run has read them.</summary>
    public static Result<ClipNetwork> Open(ClipFolder folder, PartContext context) =>
        context.Shared.Get($"{folder.Path} {context.Device} {context.WeightsOnHost} {context.ComputeType}", () =>
        {
            var network = new ClipNetwork(folder.Config, context.Device, context.ComputeType, context.BlocksPerCheckpoint);
            var loaded = network.Load(folder, new WeightHome(context.Device, context.WeightsOnHost));
            if (!loaded.IsOk) network.Dispose();
            return loaded.Map(_ => network);
        });

    /// <summary>Makes the weights without content, for shapes on the "meta" device.</summary>
    public Unit Allocate()
    {
        _weights.Allocate(Device, _type);
        return Prepare(Unit.Value);
    }

    /// <summary>[B, 3, S, S], normalised, to [B, features] of unit length, with gradient.</summary>
    public Tensor ImageFeatures(Tensor pixels)
    {
        _weights.RequireFiles();
        return Model.ImageFeatures(pixels);
    }

    public void Dispose() => _weights.Dispose();

    // In the compute type: nothing trains them.
    private Result<Unit> Load(ClipFolder folder, WeightHome home) => folder.Weights(source => _weights.Load(source, home, _type, keeping: WeightKeeping.Mapped)).Map(Prepare);

    private Unit Prepare(Unit unit)
    {
        _weights.SetTrained(false);
        _weights.ComputeIn(_type);
        return unit;
    }
}
