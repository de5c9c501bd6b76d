using LeapAlign.Contracts.Models;
using LeapAlign.Networks.Pipelines;
using LeapAlign.Pipeline;

namespace LeapAlign.Models.Sd3;

/// <summary>What a pipeline folder says about itself: model_index.json and the scheduler's configuration.</summary>
internal sealed record ModelIndex
{
    /// <summary>The file that makes a folder a pipeline.</summary>
    public const string FileName = "model_index.json";

    /// <summary>The pipeline folder.</summary>
    public required string Folder { get; init; }

    /// <summary>The sub-folders that model_index.json names.</summary>
    public required IReadOnlyList<string> Components { get; init; }

    /// <summary>Noise levels, apart from the number of image tokens.</summary>
    public required FlowScheduling Scheduling { get; init; }

    /// <summary>Whether the folder has the T5 encoder; without it its features are zeros.</summary>
    public bool HasT5 => Components.Contains("text_encoder_3");

    public string Component(string name) => Path.Combine(Folder, name);

    /// <summary>Reads both files.</summary>
    /// <param name="folder">The pipeline folder.</param>
    /// <param name="warn">Is told keys that are not known.</param>
    public static Result<ModelIndex> Read(string folder, Action<Fault>? warn = null)
    {
        if (!Directory.Exists(folder)) return new Fault.Input(FaultCodes.ModelNotFound, "the model folder is not there", new SourcePlace(folder));
        return from index in PipelineIndex.Read(Path.Combine(folder, FileName), warn)
               from _ in RequireFolders(folder, index.Components)
               from scheduling in SchedulerConfig.Read(Path.Combine(folder, "scheduler", "scheduler_config.json"), warn)
               select new ModelIndex { Folder = folder, Components = index.Components, Scheduling = scheduling };
    }

    private static Result<Unit> RequireFolders(string folder, IReadOnlyList<string> components) =>
        components.FirstOrDefault(component => !Directory.Exists(Path.Combine(folder, component))) is { } absent
            ? new Fault.Input(FaultCodes.ModelNotFound, $"{FileName} names the component '{absent}', whose folder is not there", new SourcePlace(folder))
            : Unit.Value;
}
