using LeapAlign.Contracts.Models;
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
    private readonly byte[] _card;

    /// <summary>Lists the files of a source; what is wrong with them an export says, and nothing that needs none.</summary>
    /// <param name="source">The source.</param>
    /// <param name="set">Names, order and precisions of the trained weights.</param>
    /// <param name="card">What the export's card says.</param>
    public PipelineExport(PipelineFolder source, WeightSet set, ExportCard card)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(card);
        (_folder, _set, _card) = (source, set, card.Bytes(source));
        _source = from files in source.Components.Select(FilesOf).All()
                  from copy in FolderCopy.Of([new FileCopy(source.Component(PipelineIndex.FileName), PipelineIndex.FileName), .. files.SelectMany(static component => component)])
                  select copy;
    }

    /// <summary>Checks every file that will be copied.</summary>
    /// <param name="type">The precision of the trained weights; null keeps each tensor's own.</param>
    /// <returns>The bytes of the whole folder.</returns>
    public Result<long> Check(ScalarType? type) =>
        _source.Bind(static source => source.Check()).Map(copied => copied + _card.Length + SafetensorsWriter.Bytes(Tensors(null, type)));

    /// <summary>Writes the folder, which is there whole or not at all.</summary>
    /// <param name="export">Where, in which precision, with which weights.</param>
    /// <param name="disk">Where; the file system of this machine when null.</param>
    public Result<Unit> Write(ExportRequest export, IDisk? disk = null) =>
        from source in _source
        from readable in source.Check()
        from written in WholeFolder.Write(export.Folder, aside =>
            from copied in source.Write(aside, disk)
            from told in WholeFile.Write(Path.Combine(aside, ExportCard.FileName), _card, disk)
            from trained in SafetensorsWriter.WriteFolder(Path.Combine(aside, _folder.Family.Trained), ExportFiles.DiffusersStem, Tensors(export.Weights, export.Type), disk: disk)
            select trained, disk)
        select written;

    // Without weights those that the model has, whose shapes and types are the same.
    private List<TensorToWrite> Tensors(IReadOnlyList<Tensor>? weights, ScalarType? type)
    {
        var next = 0;
        return [.. _set.All.Select(weight => new TensorToWrite(weight.FileName, weight.IsBuffer || weights is null ? weight.Master : weights[next++], type ?? weight.FileType))];
    }

    private Result<IEnumerable<FileCopy>> FilesOf(string component) => FolderCopy.FilesBelow(_folder.Component(component))
        .Map(files => ExportFiles.Of(_folder.Family.Find(component), component == _folder.Family.Trained, files)
            .Select(file => new FileCopy(Path.Combine(_folder.Component(component), file.File), Path.Combine(component, file.Name))));
}
