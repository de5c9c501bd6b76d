using LeapAlign.Contracts.Models;
using LeapAlign.Networks.Weights;
using LeapAlign.Pipeline;
using LeapAlign.Storage.Disks;
using LeapAlign.Storage.Safetensors;
using static TorchSharp.torch;

namespace LeapAlign.Models.Sd3;

/// <summary>
/// Writes a complete pipeline folder: the source's files as they are, and the trained transformer. The list of files is that of the moment when the model was read; it is
/// what is checked before a run, and what is copied after it.
/// </summary>
internal sealed class PipelineExport
{
    private readonly WeightSet _set;
    private readonly Result<FolderCopy> _source;
    private readonly byte[] _card;

    /// <summary>Lists the files of a source; what is wrong with them an export says, and nothing that needs none.</summary>
    /// <param name="index">The source.</param>
    /// <param name="set">Names, order and precisions of the transformer's weights.</param>
    /// <param name="textLength">Tokens of T5, which the export's card says.</param>
    public PipelineExport(ModelIndex index, WeightSet set, int textLength)
    {
        _set = set;
        _card = ExportCard.Of(textLength, index.HasT5);
        _source = from files in index.Components.Select(component => FilesOf(index, component)).All()
                  from copy in FolderCopy.Of([new FileCopy(index.Component(ModelIndex.FileName), ModelIndex.FileName), .. files.SelectMany(static component => component)])
                  select copy;
    }

    /// <summary>Refuses pipes, sockets and devices in the place of files: reading would wait for ever.</summary>
    /// <param name="paths">Files, and folders with all that is below them.</param>
    public static Result<Unit> HoldsFiles(params IEnumerable<string> paths)
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

    /// <summary>Checks every file that will be copied.</summary>
    /// <param name="type">The precision of the transformer; null keeps each tensor's own.</param>
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
            from trained in SafetensorsWriter.WriteFolder(Path.Combine(aside, ExportFiles.Trained), ExportFiles.DiffusersStem, Tensors(export.Weights, export.Type), disk: disk)
            select trained, disk)
        select written;

    // Without weights those that the model has, whose shapes and types are the same.
    private List<TensorToWrite> Tensors(IReadOnlyList<Tensor>? weights, ScalarType? type)
    {
        var next = 0;
        return [.. _set.All.Select(weight => new TensorToWrite(weight.FileName, weight.IsBuffer || weights is null ? weight.Master : weights[next++], type ?? weight.FileType))];
    }

    private static Result<IEnumerable<FileCopy>> FilesOf(ModelIndex index, string component) => FolderCopy.FilesBelow(index.Component(component))
        .Map(files => ExportFiles.Of(component, files).Select(file => new FileCopy(Path.Combine(index.Component(component), file.File), Path.Combine(component, file.Name))));
}
