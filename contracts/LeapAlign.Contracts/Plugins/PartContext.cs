using LeapAlign.Pipeline;
using Microsoft.Extensions.Logging;
using static TorchSharp.torch;

namespace LeapAlign.Contracts.Plugins;

/// <summary>What a part is told about the run it is made for.</summary>
public sealed class PartContext
{
    /// <summary>The part's name in the run: the id, or the <c>name</c> given in plugins.json.</summary>
    public required string Name { get; init; }

    /// <summary>The folder of plugins.json, against which relative paths of settings are meant.</summary>
    public required string BaseFolder { get; init; }

    /// <summary>Where tensors live.</summary>
    public required Device Device { get; init; }

    /// <summary>The precision of network arithmetic. Latents, schedules, scores and trained weights are fp32 whatever it is.</summary>
    public required ScalarType ComputeType { get; init; }

    /// <summary>The part's log.</summary>
    public required ILogger Logger { get; init; }

    /// <summary>Takes a warning: something the run can live with. Equal codes are counted and shown once at the end.</summary>
    public required Action<Fault> Warn { get; init; }

    /// <summary>
    /// Finds what several parts of one plugin have in common, a network read once for instance: made by whoever asks first, kept and disposed by the host when
    /// the run ends. The key says everything that its content depends on.
    /// </summary>
    public ISharedResources Shared { get; init; } = new Unshared();

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

internal sealed class Unshared : ISharedResources
{
    public Result<T> Get<T>(string key, Func<Result<T>> create)
        where T : class => create();
}
