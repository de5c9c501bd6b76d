using LeapAlign.Contracts.Models;
using LeapAlign.Networks.Mmdit;
using LeapAlign.Networks.Weights;
using LeapAlign.Pipeline;
using LeapAlign.Storage.Disks;
using LeapAlign.Storage.Safetensors;
using static TorchSharp.torch;

namespace LeapAlign.Pipelines;

/// <summary>
/// Writes a complete pipeline folder: the source's files as they are, and the trained weights. The list of files is that of the moment when the model was read; it is
/// what is checked before a run, and what is copied after it.
/// </summary>
public sealed class PipelineExport
{
    private readonly PipelineFolder _folder;
    private readonly WeightSet _set;
    private readonly Result<FolderCopy> _source;
    private readonly ExportCard _card;
    private readonly Action<Fault>? _warn;
    private readonly GapEmbedding? _gap;

    /// <summary>Lists the files of a source; what is wrong with them an export says, and nothing that needs none.</summary>
    /// <param name="source">The source.</param>
    /// <param name="set">Names, order and precisions of the trained weights.</param>
    /// <param name="card">What the export's card says.</param>
    /// <param name="warn">Is told when a check finds that the export holds quantised weights.</param>
    /// <param name="gap">The gap embedding of a flow map, whose values come behind those of the trained weights; null for a velocity.</param>
    public PipelineExport(PipelineFolder source, WeightSet set, ExportCard card, Action<Fault>? warn = null, GapEmbedding? gap = null)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(card);
        (_folder, _set, _card, _warn, _gap) = (source, set, card with { IsFlowMap = gap is not null }, warn, gap);
        _source = from files in source.Components.Select(FilesOf).All()
                  from copy in FolderCopy.Of([new FileCopy(source.Component(PipelineIndex.FileName), PipelineIndex.FileName), .. files.SelectMany(static component => component)])
                  select copy;
    }

    /// <summary>Checks every file that will be copied.</summary>
    /// <param name="export">As that of <see cref="Write"/>; its folder and tensors are not used.</param>
    /// <returns>The bytes of the whole folder.</returns>
    public Result<long> Check(ExportRequest export)
    {
        ArgumentNullException.ThrowIfNull(export);
        using var scope = NewDisposeScope();
        if (_set.All.FirstOrDefault(static weight => weight.IsQuantised) is { } quantised)
        {
            _warn?.Invoke(new Fault.Input(
                FaultCodes.QuantisedMerge,
                $"the merged export holds weights that were quantised to {quantised.Quantization!.Name}, dequantised again; the adapter alone fits the weights of this folder better",
                new SourcePlace(_folder.Folder)));
        }
        return _source.Bind(static source => source.Check())
            .Map(copied => copied + Card(export).Length + (_gap is null ? 0 : FlowMapFile.Bytes(_gap)) + SafetensorsWriter.Bytes([.. _set.All.Select(weight => Form(weight, export))]));
    }

    /// <summary>Writes the folder, which is there whole or not at all.</summary>
    /// <param name="export">
    /// Where, in which precision, with which weights. Without weights they come from the source's files, one at a time, so that they are exact where the model keeps
    /// them in less than the file's precision.
    /// </param>
    /// <param name="disk">Where; the file system of this machine when null.</param>
    /// <returns>The first fault: of a source's file, of an update that has another shape than its weight, of the disk.</returns>
    /// <exception cref="ArgumentException">An update is for a layer that the network does not have.</exception>
    public Result<Unit> Write(ExportRequest export, IDisk? disk = null)
    {
        ArgumentNullException.ThrowIfNull(export);
        if (export.Updates.Keys.Except(_set.All.Select(static weight => SiteOf(weight))).FirstOrDefault() is { } unknown)
            throw new ArgumentException($"there is no layer '{unknown}' to update", nameof(export));
        return from source in _source
               from readable in source.Check()
               from written in WholeFolder.Write(export.Folder, aside =>
                   from copied in source.Write(aside, disk)
                   from told in WholeFile.Write(Path.Combine(aside, ExportCard.FileName), Card(export), disk)
                   from map in _gap is null ? Unit.Value : FlowMapFile.Write(Path.Combine(aside, IFlowMapModel.FileName), _gap, export.Weights is { } all ? [.. all.TakeLast(_gap.Weights.Count)] : null, disk)
                   from trained in WriteWeights(Path.Combine(aside, _folder.Family.Trained), export, disk)
                   select trained, disk)
               select written;
    }

    // The name of a layer is that of its weight without the end.
    private static string SiteOf(Weight weight) => weight.Name.EndsWith(".weight", StringComparison.Ordinal) ? weight.Name[..^".weight".Length] : "";

    private byte[] Card(ExportRequest export) =>
        (_card.TakesGuidance && export.Guidance is { } guidance ? _card with { Guidance = guidance.Scale } : _card with { LearnedGuidance = export.LearnedGuidance }).Bytes(_folder);

    private Result<Unit> WriteWeights(string folder, ExportRequest export, IDisk? disk)
    {
        using var scope = NewDisposeScope();
        if (export.Weights is { } given && given.Count > (_gap?.Weights.Count ?? 0))
        {
            var values = _set.Parameters.Zip(given).ToDictionary(static pair => pair.First, static pair => pair.Second);
            return Written(weight => values[weight]);
        }
        return SafetensorsFolder.Open(_folder.Component(_folder.Family.Trained), ExportFiles.DiffusersStem).Bind(source =>
        {
            // A merged model is what the run computed with: what was quantised there is dequantised here.
            using (source) return Written(weight => weight.IsQuantised ? weight.Value : Read(source, weight));
        });

        Result<Unit> Written(Func<Weight, Tensor> value)
        {
            try
            {
                return SafetensorsWriter.WriteFolder(folder, ExportFiles.DiffusersStem, [.. _set.All.Select(weight => ToWrite(weight, export, value))], disk: disk, further: _gap is null ? null : FlowMapFile.Mark);
            }
            catch (FaultException exception)
            {
                return exception.Fault;
            }
        }
    }

    private static TensorToWrite ToWrite(Weight weight, ExportRequest export, Func<Weight, Tensor> value)
    {
        var update = export.Updates.GetValueOrDefault(SiteOf(weight));
        var tensor = Form(weight, export);
        if (weight.IsBuffer) return tensor;
        return tensor with { Make = () => update is null ? value(weight) : Updated(weight, value(weight), update()) };
    }

    // The shape of a quantised weight is not that of what it is stored as.
    private static TensorToWrite Form(Weight weight, ExportRequest export) =>
        new(weight.FileName, weight.IsQuantised ? empty([.. weight.Shape], dtype: weight.FileType, device: META) : weight.Master, export.Type ?? weight.FileType);

    private static Tensor Updated(Weight weight, Tensor value, Tensor update)
    {
        // One of another shape might be added all the same, along edges of 1.
        if (!update.shape.SequenceEqual(weight.Shape))
        {
            var message = $"the update of '{weight.Name}' is [{string.Join(", ", update.shape)}], but the weight is [{string.Join(", ", weight.Shape)}]";
            throw new FaultException(new Fault.Run(FaultCodes.ExportThrew, message));
        }
        return value.detach().to(ScalarType.Float32, CPU).add(update.to(ScalarType.Float32, CPU));
    }

    private static Tensor Read(SafetensorsFolder source, Weight weight)
    {
        var tensor = source.Entries.ContainsKey(weight.FileName) ? source.Read(weight.FileName) : Changed();
        return tensor.Bind(read => read.shape.SequenceEqual(weight.Shape) ? Result.Ok(read) : Changed()).Match(static read => read, static fault => throw new FaultException(fault));

        Result<Tensor> Changed() => new Fault.Input(FaultCodes.DamagedWeights, $"tensor '{weight.FileName}' is not what it was when the model was read", new SourcePlace(source.Location));
    }

    private Result<IEnumerable<FileCopy>> FilesOf(string component) => FolderCopy.FilesBelow(_folder.Component(component))
        .Map(files => ExportFiles.Of(_folder.Family.Find(component), component == _folder.Family.Trained, files)
            .Select(file => new FileCopy(Path.Combine(_folder.Component(component), file.File), Path.Combine(component, file.Name))));
}
