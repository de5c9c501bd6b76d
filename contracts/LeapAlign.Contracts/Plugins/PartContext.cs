using System.Diagnostics;
using System.Diagnostics.Metrics;
using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Rewards;
using LeapAlign.Pipeline;
using Microsoft.Extensions.Logging;
using static TorchSharp.torch;

namespace LeapAlign.Contracts.Plugins;

/// <summary>The services and settings the host passes to a part.</summary>
public sealed class PartContext
{
    private Device _device = CPU;

    /// <summary>The part's name in the run: the id, or the <c>name</c> given in plugins.json.</summary>
    public required string Name { get; init; }

    /// <summary>The folder of plugins.json, against which relative paths of settings are meant.</summary>
    public required string BaseFolder { get; init; }

    /// <summary>
    /// The folder of the run, which the host makes after the parts: its name gets a number behind it where it is taken, and a run that is told to replaces what is there. A part
    /// keeps no files in it. Null where it is not known.
    /// </summary>
    public string? RunFolder { get; init; }

    /// <summary>Where tensors live.</summary>
    public required Device Device
    {
        get => _device;
        init => _device = value;
    }

    /// <summary>
    /// Whether the weights of the part lie in the memory of the machine and come to <see cref="Device"/> for each use: <c>placement: host</c> of a reward, which only those may have that provide
    /// <see cref="Capabilities.HostWeights"/>. On the CPU it changes nothing.
    /// </summary>
    public bool WeightsOnHost { get; private set; }

    /// <summary>Another device of this machine by its name: <c>cpu</c>, <c>cuda</c>, <c>cuda:1</c>. LA1010 where it is not there.</summary>
    public Func<string, Result<Device>> DeviceOf { get; init; } = static name => name == "cpu"
        ? Result.Ok(CPU)
        : new Fault.Configuration(FaultCodes.DeviceNotAvailable, $"the device '{name}' is not known here");

    /// <summary>The precision of network arithmetic. Latents, schedules, scores and trained weights are fp32 whatever it is.</summary>
    public required ScalarType ComputeType { get; init; }

    /// <summary>
    /// Whether the weights of a model stay as they are: an adapter trains beside them, or the model is a teacher. They need no fp32 masters then, and may be kept
    /// in the precision of the run.
    /// </summary>
    public bool IsFrozen { get; init; }

    /// <summary>
    /// How a model trades time for memory (<c>run.checkpointing</c>): 0 keeps the graph of every evaluation that is differentiated; n keeps what goes into every n-th
    /// block of the network, and computes n blocks, and the parts of the decoder, again in the backward. The gradients are the same to the last bit.
    /// </summary>
    public int BlocksPerCheckpoint { get; init; }

    /// <summary>
    /// The sizes of pictures that will be asked for, where they are said: a model that has no such pictures gives the fault, with the place of the size, before it reads
    /// weights. The model's own size is not among them.
    /// </summary>
    public IReadOnlyList<AskedSize> Sizes { get; init; } = [];

    /// <summary>The part's log. Any thread may write to it.</summary>
    public required ILogger Logger { get; init; }

    /// <summary>Takes a warning: something the run can live with. Equal codes are counted and shown once at the end. Any thread may call it.</summary>
    public required Action<Fault> Warn { get; init; }

    /// <summary>
    /// Asks the run to stop. The host ends it after the step under way; a part looks at it only while it waits for something outside the process, a service for
    /// instance, and then gives up with an <see cref="OperationCanceledException"/>: the step is not made, and the run ends as interrupted.
    /// </summary>
    public CancellationToken Stop { get; init; }

    /// <summary>
    /// Finds what several parts of one plugin have in common, a network read once for instance: made by whoever asks first, kept and disposed by the host when
    /// the run ends. The key says everything that its content depends on.
    /// </summary>
    public ISharedResources Shared { get; init; } = new Unshared();

    /// <summary>Shows pages to people at this machine, who are asked something.</summary>
    public ILocalPages Pages { get; init; } = new Unserved();

    /// <summary>
    /// Starts the spans of the part's plugin, named <c>LeapAlign.Plugins.&lt;id&gt;</c>; they lie in the span of the stage that asks. It costs nothing where
    /// nobody listens. The host disposes it.
    /// </summary>
    public ActivitySource Spans { get; init; } = Unheard.Spans;

    /// <summary>Measures for the part's plugin, under the same name. The host disposes it, and with it the callbacks of its instruments.</summary>
    public Meter Meter { get; init; } = Unheard.Meter;

    /// <summary>
    /// Another reward of the run by its name, for a reward that is made of one, a verdict for instance. It scores pictures one by one, has the checks that every reward has, and belongs to the host. LA3012 where there is none of
    /// that name, where it is made of the one that asks, or where it scores something else.
    /// </summary>
    public Func<string, Result<IReward>> OtherReward { get; private set; } = static name => new Fault.Composition(FaultCodes.NoRewardOfReward, $"there is no other reward here, '{name}' is not either");

    /// <summary>The same context with rewards to ask for.</summary>
    /// <param name="others">See <see cref="OtherReward"/>.</param>
    public PartContext WithRewards(Func<string, Result<IReward>> others)
    {
        var copy = (PartContext)MemberwiseClone();
        copy.OtherReward = others;
        return copy;
    }

    /// <summary>The same context for a part that computes elsewhere.</summary>
    /// <param name="place">Where, and where its weights lie.</param>
    public PartContext At(PlacedPart place)
    {
        ArgumentNullException.ThrowIfNull(place);
        var copy = (PartContext)MemberwiseClone();
        (copy._device, copy.WeightsOnHost) = (place.Device, place.OnHost);
        return copy;
    }

    /// <summary>The full path of a path given in settings.</summary>
    public string Resolve(string path) => Path.GetFullPath(path, BaseFolder);
}

/// <summary>What the parts of a plugin share in a run.</summary>
public interface ISharedResources
{
    /// <summary>The resource of a key, made on the first call.</summary>
    /// <typeparam name="T">Its type; if it is disposable, the host disposes it after all parts.</typeparam>
    /// <param name="key">Everything that its content depends on.</param>
    /// <param name="create">Makes it; a fault is not remembered.</param>
    Result<T> Get<T>(string key, Func<Result<T>> create)
        where T : class;
}

// The telemetry of a part that was made without a host: a test, an example.
internal static class Unheard
{
    public static ActivitySource Spans { get; } = new("LeapAlign.Plugins");

    public static Meter Meter { get; } = new("LeapAlign.Plugins");
}

internal sealed class Unshared : ISharedResources
{
    public Result<T> Get<T>(string key, Func<Result<T>> create)
        where T : class => create();
}
