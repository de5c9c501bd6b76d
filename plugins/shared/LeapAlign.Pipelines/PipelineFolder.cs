using LeapAlign.Contracts.Models;
using LeapAlign.Networks.Clip;
using LeapAlign.Networks.Quantization;
using LeapAlign.Networks.Vae;
using LeapAlign.Networks.Weights;
using LeapAlign.Pipeline;
using LeapAlign.Storage.Disks;
using LeapAlign.Storage.Safetensors;
using static TorchSharp.torch;

namespace LeapAlign.Pipelines;

/// <summary>A pipeline folder as diffusers writes it: what model_index.json and the scheduler's configuration say, and where its components lie.</summary>
public sealed record PipelineFolder
{
    private static readonly string[] s_checkpoints = [".safetensors", ".gguf", ".ckpt", ".pt", ".pth", ".bin", ".sft"];

    /// <summary>The class of pipeline.</summary>
    public required PipelineFamily Family { get; init; }

    /// <summary>The folder.</summary>
    public required string Folder { get; init; }

    /// <summary>The sub-folders that model_index.json names.</summary>
    public required IReadOnlyList<string> Components { get; init; }

    /// <summary>Noise levels, apart from the number of image tokens.</summary>
    public required FlowScheduling Scheduling { get; init; }

    /// <summary>Whether the folder has the T5 encoder.</summary>
    public bool HasT5 => Family.T5Encoder is { } encoder && Components.Contains(encoder);

    /// <summary>Whether the family has a T5 encoder and the folder does not.</summary>
    public bool LacksT5 => Family.T5Encoder is not null && !HasT5;

    /// <summary>The folder of a component.</summary>
    public string Component(string name) => Path.Combine(Folder, name);

    /// <summary>The config.json of a component.</summary>
    public string Config(string component) => Path.Combine(Folder, component, "config.json");

    /// <summary>Reads model_index.json and the scheduler's configuration. Every component has to be there, and to hold files alone.</summary>
    /// <param name="folder">The pipeline folder.</param>
    /// <param name="family">The class that it has to be of.</param>
    /// <param name="warn">Is told keys that are not known.</param>
    /// <returns>
    /// <see cref="FaultCodes.ModelNotFound"/> when the folder, a file or the folder of a component is not there or is no file, <see cref="FaultCodes.WrongModelClass"/>
    /// when a file says what is not supported.
    /// </returns>
    public static Result<PipelineFolder> Open(string folder, PipelineFamily family, Action<Fault>? warn = null)
    {
        ArgumentNullException.ThrowIfNull(family);
        var index = Path.Combine(folder, PipelineIndex.FileName);
        return from named in HoldsFiles(index)
               from there in Absent(folder, family) is { } absent ? Result.Fail<Unit>(absent) : Unit.Value
               from components in PipelineIndex.Read(index, family, warn)
               from _ in RequireFolders(folder, components)
               from files in HoldsFiles(components.Select(component => Path.Combine(folder, component)))
               from scheduling in SchedulerConfig.Read(Path.Combine(folder, "scheduler", "scheduler_config.json"), warn, family)
               select new PipelineFolder { Family = family, Folder = folder, Components = components, Scheduling = scheduling };
    }

    /// <summary>Reads the config.json of a CLIP text encoder.</summary>
    /// <param name="component">Which component it is.</param>
    /// <param name="warn">Is told keys that are not known.</param>
    /// <returns>
    /// A fault as of <see cref="ClipTextConfig.Read(string, Action{Fault})"/>, and when the encoder is one with projection where the family's is one without, or the
    /// other way round: then other features are pooled than those that the transformer takes.
    /// </returns>
    public Result<ClipTextConfig> ReadClipText(string component, Action<Fault>? warn = null)
    {
        const string plain = "CLIPTextModel";
        const string projecting = "CLIPTextModelWithProjection";
        var projects = Family.Find(component).Classes.Contains(projecting);
        return ClipTextConfig.Read(Config(component), warn).Bind(config => (config.Projection is not null) == projects ? Result.Ok(config) : new Fault.Input(
            FaultCodes.WrongModelClass,
            projects
                ? $"this is a {plain}, which has no projection, but the transformer takes projected features: it has to be a {projecting}"
                : $"this is a {projecting}, but the transformer takes features that are not projected: it has to be a {plain}",
            new SourcePlace(Config(component), Key: "architectures")));
    }

    /// <summary>Reads the config.json of <c>vae</c>.</summary>
    /// <param name="warn">Is told keys that are not known.</param>
    /// <returns>A fault as of <see cref="VaeConfig.Read(string, Action{Fault})"/>, and where there is no shift, which the pipelines of the library add to latents without asking.</returns>
    public Result<VaeConfig> ReadVae(Action<Fault>? warn = null) =>
        VaeConfig.Read(Config("vae"), warn).Bind(config => config.HasShift ? Result.Ok(config) : new Fault.Input(
            FaultCodes.WrongModelClass,
            $"is null or absent, so that {Family.ClassName} could draw neither with this folder nor with what is exported; it has to be a number, 0 for none",
            new SourcePlace(Config("vae"), Key: "shift_factor")));

    /// <summary>Reads the weights of a component: one file or shards, in a variant where the folder has nothing else.</summary>
    /// <param name="component">Which component.</param>
    /// <param name="weights">The declared weights.</param>
    /// <param name="home">Where they go.</param>
    /// <param name="type">The precision in which they are kept.</param>
    /// <param name="isTrained">Whether they will be trained. Weights that will not be are left on the disk where they can be computed with as they lie there.</param>
    /// <param name="fewerBits">Stores the linear layers of blocks in fewer bits; null stores them as the others. They cannot be trained then.</param>
    public Result<Unit> Load(string component, WeightSet weights, WeightHome home, ScalarType type, bool isTrained, FewerBits? fewerBits = null)
    {
        ArgumentNullException.ThrowIfNull(weights);
        if (fewerBits is not null && isTrained)
            return new Fault.Composition(FaultCodes.SettingsDoNotFit, $"quantised weights cannot be trained, but quantization is {fewerBits.Form.Name} and the run trains all weights of the model; add \"adapter\": \"lora\", or set quantization to none");
        return Open(component).Bind(source =>
        {
            using (source)
            {
                QuantizedSource? quantized = fewerBits is null ? null : named => fewerBits.Cache.Open(source, named, fewerBits.Form).Map(file => (file, fewerBits.Form));
                return weights.Load(source, home, type, keeping: isTrained ? WeightKeeping.Owned : WeightKeeping.Mapped, quantized: quantized);
            }
        });
    }

    /// <summary>Reads the weights of a component that is never trained, and makes it ready to compute.</summary>
    /// <param name="component">Which component.</param>
    /// <param name="weights">The declared weights.</param>
    /// <param name="home">Where they go.</param>
    /// <param name="type">The precision of weights and arithmetic; null for that of the files where all are fp32 or all bf16, else fp32: a CPU does not compute in fp16.</param>
    /// <param name="keeping">Where the weights lie.</param>
    /// <param name="rename">As of <see cref="WeightSet.Load"/>.</param>
    public Result<Unit> LoadFrozen(string component, WeightSet weights, WeightHome home, ScalarType? type, WeightKeeping keeping, Func<string, string?>? rename = null)
    {
        ArgumentNullException.ThrowIfNull(weights);
        return Open(component).Bind(source =>
        {
            using (source)
            {
                var computed = type ?? TypeOf(source);
                return weights.Load(source, home, computed, rename, keeping).Map(unit =>
                {
                    weights.SetTrained(false);
                    weights.ComputeIn(computed);
                    return unit;
                });
            }
        });
    }

    /// <summary>A SHA-256 of what a component is: its configuration and its weights.</summary>
    /// <param name="component">Which component.</param>
    /// <param name="stop">Ends it early, with an <see cref="OperationCanceledException"/>.</param>
    /// <returns>Lower-case hexadecimal digits; a fault when a file cannot be read.</returns>
    public Result<string> ContentOf(string component, CancellationToken stop) => Open(component).Bind(source =>
    {
        using (source) return ContentHash.Remembered([Config(component), .. source.Files], stop);
    });

    /// <summary>A text in the headers of a component's weights.</summary>
    /// <param name="component">Which component.</param>
    /// <param name="key">Its key.</param>
    /// <returns>Null where there is none; a fault when the weights cannot be opened.</returns>
    public Result<string?> WeightsSay(string component, string key) => Open(component).Map(source =>
    {
        using (source) return source.Metadata(key);
    });

    private static ScalarType TypeOf(SafetensorsFolder source) =>
        source.Entries.Values.Select(static entry => entry.Type).Distinct().ToArray() is [ScalarType.BFloat16] ? ScalarType.BFloat16 : ScalarType.Float32;

    private Result<SafetensorsFolder> Open(string component) => Family.Find(component).Library == "transformers" && AdapterBeside.Refused(Component(component)) is { } adapter
        ? adapter
        : SafetensorsFolder.Open(Component(component), Family.Find(component).Stem);

    // A checkpoint in one file has other names for its tensors, and lacks configurations and often encoders: what is published so is published as a folder, too.
    private static Fault? Absent(string folder, PipelineFamily family)
    {
        if (Directory.Exists(folder) && (File.Exists(Path.Combine(folder, PipelineIndex.FileName)) || SingleFile(folder) is null)) return null;
        var file = File.Exists(folder) ? folder : Directory.Exists(folder) ? SingleFile(folder) : null;
        return new Fault.Input(
            FaultCodes.ModelNotFound,
            file is null
                ? "the model folder is not there"
                : $"'{Path.GetFileName(file)}' is a checkpoint in one file, which is not read; supported is the folder of a {family.ClassName} as diffusers writes it: {PipelineIndex.FileName} and a folder for each component, with weights in safetensors, of bf16, fp16 or fp32",
            new SourcePlace(folder));
    }

    private static string? SingleFile(string folder) =>
        Directory.EnumerateFiles(folder).Where(static file => s_checkpoints.Contains(Path.GetExtension(file))).Order(StringComparer.Ordinal).FirstOrDefault();

    private static Result<Unit> RequireFolders(string folder, IReadOnlyList<string> components) =>
        components.FirstOrDefault(component => !Directory.Exists(Path.Combine(folder, component))) is { } absent
            ? new Fault.Input(FaultCodes.ModelNotFound, $"{PipelineIndex.FileName} names the component '{absent}', whose folder is not there", new SourcePlace(folder))
            : Unit.Value;

    // Pipes, sockets and devices in the place of files are refused: reading one would wait for ever.
    private static Result<Unit> HoldsFiles(params IEnumerable<string> paths)
    {
        foreach (var path in paths)
        {
            // A folder that cannot be read is said by whoever reads it.
            var files = Directory.Exists(path) ? FolderCopy.FilesBelow(path).Match(found => found.Select(file => Path.Combine(path, file)), static _ => []) : [path];
            if (files.FirstOrDefault(RegularFile.IsSpecial) is { } special)
                return new Fault.Input(FaultCodes.ModelNotFound, $"cannot be read: {RegularFile.OtherThanFile(special)}", new SourcePlace(special));
        }
        return Unit.Value;
    }
}
