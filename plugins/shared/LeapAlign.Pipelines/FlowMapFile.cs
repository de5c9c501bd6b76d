using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Networks.Mmdit;
using LeapAlign.Pipeline;
using LeapAlign.Storage.Disks;
using LeapAlign.Storage.Safetensors;
using static TorchSharp.torch;

namespace LeapAlign.Pipelines;

/// <summary>
/// What a flow map has beside a pipeline's files: its gap embedding in <see cref="IFlowMapModel.FileName"/>, and a word in the header of the transformer's weights, which goes where the weights go. Readers that do
/// not know it ignore it.
/// </summary>
public static class FlowMapFile
{
    /// <summary>The key of the word.</summary>
    public const string Key = "leapalign.flow-map";

    /// <summary>What the header of a flow map's weights carries.</summary>
    public static IReadOnlyDictionary<string, string> Mark { get; } = new Dictionary<string, string> { [Key] = IFlowMapModel.FileName };

    /// <summary>Opens the gap embedding that settings ask for: a new one beside the weights of a velocity, that of the file beside those of a flow map.</summary>
    /// <param name="folder">The model folder.</param>
    /// <param name="asked">Whether a flow map is asked for, the file where settings name one, and the width of the time embedding.</param>
    /// <param name="context">That of the model.</param>
    /// <returns>Null where no flow map is asked for; <see cref="FaultCodes.FlowMapApart"/> or <see cref="FaultCodes.FlowMapDamaged"/>.</returns>
    public static Result<GapEmbedding?> Open(PipelineFolder folder, (bool FlowMap, string? From, long Width) asked, PartContext context)
    {
        ArgumentNullException.ThrowIfNull(folder);
        ArgumentNullException.ThrowIfNull(context);
        var own = Path.Combine(folder.Folder, IFlowMapModel.FileName);
        return folder.WeightsSay(folder.Family.Trained, Key).Bind(word =>
        {
            if (!asked.FlowMap)
            {
                return word is null && !File.Exists(own)
                    ? Result.Ok<GapEmbedding?>(null)
                    : new Fault.Input(FaultCodes.FlowMapApart, $"these weights are those of a flow map, but the model '{context.Name}' is asked for a velocity (flowMap is false), which they are not: set model.settings.flowMap to true", new SourcePlace(folder.Folder));
            }
            if (asked.From is { } from) return Read(context.Resolve(from), asked.Width, context.Device);
            if (File.Exists(own)) return Read(own, asked.Width, context.Device);
            if (word is not null) return Absent(own);
            var begun = new GapEmbedding(asked.Width);
            begun.Begin(context.Device);
            return begun;
        });
    }

    /// <summary>A gap embedding as a file of its own, in fp32.</summary>
    /// <param name="path">The file.</param>
    /// <param name="gap">Names and shapes.</param>
    /// <param name="values">One tensor for each of its weights, in order; null takes them as they are.</param>
    /// <param name="disk">Where; the file system of this machine when null.</param>
    public static Result<Unit> Write(string path, GapEmbedding gap, IReadOnlyList<Tensor>? values = null, IDisk? disk = null) =>
        SafetensorsWriter.Write(path, Content(gap, values), disk: disk);

    /// <summary>The bytes of that file.</summary>
    public static long Bytes(GapEmbedding gap) => SafetensorsWriter.Bytes(Content(gap, null));

    private static TensorToWrite[] Content(GapEmbedding gap, IReadOnlyList<Tensor>? values)
    {
        ArgumentNullException.ThrowIfNull(gap);
        return [.. gap.Weights.Select((weight, place) => new TensorToWrite(weight.Name, values?[place] ?? weight.Master, ScalarType.Float32))];
    }

    private static Result<GapEmbedding?> Read(string path, long width, Device device)
    {
        if (!File.Exists(path)) return Absent(path);
        if (!SafetensorsFile.Open(path).TryGet(out var file, out var unreadable)) return Damaged(path, unreadable);
        using (file)
        {
            var gap = new GapEmbedding(width);
            if (gap.Load(file, device).TryGet(out _, out var other)) return gap;
            gap.Dispose();
            return Damaged(path, other);
        }
    }

    private static Fault Absent(string path) =>
        new Fault.Input(FaultCodes.FlowMapApart, "these weights are those of a flow map, and the file of its gap embedding is not there; copy it from where the folder was exported", new SourcePlace(path));

    private static Fault Damaged(string path, Fault found) =>
        new Fault.Input(FaultCodes.FlowMapDamaged, $"this is not the gap embedding of this model: {found.Message}; copy the file anew from the export that the weights are of", new SourcePlace(path));
}
