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

    /// <summary>The full path of a path given in settings.</summary>
    public string Resolve(string path) => Path.GetFullPath(path, BaseFolder);
}
