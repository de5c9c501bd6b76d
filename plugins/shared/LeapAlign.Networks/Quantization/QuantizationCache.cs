using LeapAlign.Networks.Weights;
using LeapAlign.Pipeline;
using LeapAlign.Storage.Disks;
using LeapAlign.Storage.Safetensors;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Quantization;

/// <summary>
/// Quantised weights on the disk, under a hash of the content of the files that they were made of (<see cref="ContentHash"/>): a model is quantised once, and mapped afterwards. Whatever is in the folder
/// can be deleted; it is made again.
/// </summary>
/// <param name="folder">The folder; made when absent.</param>
/// <param name="say">Is told what takes time.</param>
/// <param name="disk">Where; the file system of this machine when null.</param>
/// <param name="stop">Ends it early, with an <see cref="OperationCanceledException"/>.</param>
public sealed class QuantizationCache(string folder, Action<string>? say = null, IDisk? disk = null, CancellationToken stop = default)
{
    // Part of every key: another layout or another rounding needs another number.
    private const string Version = "1";

    // So many weights are converted to fp32 at a time.
    private const long Band = 1 << 22;

    private static readonly TimeSpan s_again = TimeSpan.FromSeconds(0.2);

    private readonly IDisk _disk = disk ?? SystemDisk.Instance;

    /// <summary>Where they lie without a setting: <c>leapalign/quantized</c> in the user's folder for what can be made again.</summary>
    public static string DefaultFolder => ContentHash.Home("quantized");

    /// <summary>Opens the quantised form of weights, made now if it is not there.</summary>
    /// <param name="source">The files that hold them.</param>
    /// <param name="weights">The weights, with their names in these files.</param>
    /// <param name="form">How they are stored.</param>
    /// <returns>The tensors of <see cref="Quantization.Parts"/>, which the caller closes; or a fault: of the files, or of the disk, on which nothing is left behind then.</returns>
    public Result<SafetensorsFile> Open(SafetensorsFolder source, IReadOnlyList<(Weight Weight, string FileName)> weights, Quantization form)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(weights);
        ArgumentNullException.ThrowIfNull(form);
        return from made in MakeFolder()
               from content in new ContentHash(folder, _disk, stop).Of(source.Files)
               from file in Open(Path.Combine(folder, $"{ContentHash.Of($"{Version}\n{form.Name}\n{content}\n{string.Join('\n', weights.Select(static pair => pair.FileName))}")}.safetensors"), source, weights, form)
               select file;
    }

    private Result<Unit> MakeFolder()
    {
        try
        {
            _disk.MakeFolder(Path.GetFullPath(folder));
            return Unit.Value;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return NotKept(exception);
        }
    }

    private Result<SafetensorsFile> Open(string path, SafetensorsFolder source, IReadOnlyList<(Weight Weight, string FileName)> weights, Quantization form)
    {
        // One of several processes that begin at the same time makes it, the others wait.
        if (File.Exists(path) && SafetensorsFile.Open(path) is { IsOk: true } there) return there;
        return Locked($"{path}.lock").Bind(held =>
        {
            using (held)
            {
                if (File.Exists(path) && SafetensorsFile.Open(path) is { IsOk: true } made) return made;
                say?.Invoke($"quantising {weights.Count} weights of {source.Location} to {form.Name}; they are kept in {path}");
                return Write(path, source, weights, form).Bind(_ => SafetensorsFile.Open(path));
            }
        });
    }

    private Result<Unit> Write(string path, SafetensorsFolder source, IReadOnlyList<(Weight Weight, string FileName)> weights, Quantization form)
    {
        using var scope = NewDisposeScope();
        var tensors = weights.SelectMany(pair => form.Parts(pair.Weight.Shape[0], pair.Weight.Shape[1]).Select((part, index) =>
            new TensorToWrite(pair.Weight.Name + part.Suffix, empty([.. part.Shape], dtype: part.Type, device: META), part.Type) { Make = () => Quantised(source, pair.FileName, form, index) }));
        try
        {
            return SafetensorsWriter.Write(path, [.. tensors], new Dictionary<string, string> { ["format"] = "pt", ["quantization"] = form.Name, ["version"] = Version }, _disk);
        }
        catch (FaultException exception)
        {
            return exception.Fault;
        }
    }

    private Tensor Quantised(SafetensorsFolder source, string name, Quantization form, int index)
    {
        stop.ThrowIfCancellationRequested();
        using var scope = NewDisposeScope();
        var weight = source.Map(name).Match(static tensor => tensor, static fault => throw new FaultException(fault));
        if (!source.CheckMapped().TryGet(out _, out var changed)) throw new FaultException(changed);
        var (rows, columns) = (weight.shape[0], weight.shape[1]);
        var part = form.Parts(rows, columns)[index];
        var whole = empty([.. part.Shape], dtype: part.Type, device: CPU);
        var band = Math.Max(1, Band / columns);
        for (var first = 0L; first < rows; first += band)
        {
            using var inner = NewDisposeScope();
            var count = Math.Min(band, rows - first);
            whole.narrow(0, first, count).copy_(form.Quantise(index, weight.narrow(0, first, count).to(ScalarType.Float32)));
        }
        return whole.MoveToOuterDisposeScope();
    }

    private Result<FileStream> Locked(string path)
    {
        while (true)
        {
            stop.ThrowIfCancellationRequested();
            try
            {
                return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (Exception exception) when (exception is UnauthorizedAccessException or DirectoryNotFoundException)
            {
                return NotKept(exception);
            }
            catch (IOException)
            {
                stop.WaitHandle.WaitOne(s_again);
            }
        }
    }

    private Fault NotKept(Exception exception) =>
        new Fault.Run(FaultCodes.CannotWrite, $"quantised weights cannot be kept here ({exception.Message}); the model's setting 'quantizationCache' names another folder", new SourcePlace(folder));
}
