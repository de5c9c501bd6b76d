using LeapAlign.Networks.Weights;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Safetensors;

/// <summary>One safetensors file, its header read and checked.</summary>
public sealed class SafetensorsFile : IWeightSource
{
    private readonly IReadOnlyDictionary<string, SafetensorsSpan> _spans;

    private SafetensorsFile(string path, IReadOnlyDictionary<string, SafetensorsSpan> spans)
    {
        Location = path;
        _spans = spans;
        Entries = spans.ToDictionary(static pair => pair.Key, static pair => pair.Value.Entry);
    }

    /// <inheritdoc/>
    public string Location { get; }

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, WeightEntry> Entries { get; }

    /// <summary>Opens a file.</summary>
    /// <returns>A fault when it is absent (LA4001) or damaged (LA4005).</returns>
    public static Result<SafetensorsFile> Open(string path)
    {
        try
        {
            using var stream = File.OpenRead(path);
            return SafetensorsHeader.Read(stream, path).Map(spans => new SafetensorsFile(path, spans));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return new Fault.Input(FaultCodes.ModelNotFound, $"the weights cannot be read: {exception.Message}", new SourcePlace(path));
        }
    }

    /// <inheritdoc/>
    public Result<Tensor> Read(string name)
    {
        if (!_spans.TryGetValue(name, out var span)) return new Fault.Input(FaultCodes.TensorMismatch, $"there is no tensor '{name}'", new SourcePlace(Location, Key: name));
        var tensor = empty([.. span.Entry.Shape], dtype: span.Entry.Type, device: CPU);
        try
        {
            using var stream = File.OpenRead(Location);
            stream.Position = span.Start;
            TensorBytes.Read(stream, tensor);
            return tensor;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            tensor.Dispose();
            return new Fault.Input(FaultCodes.DamagedWeights, $"the tensor cannot be read: {exception.Message}", new SourcePlace(Location, Key: name));
        }
    }

    /// <summary>Reads every tensor.</summary>
    /// <returns>Tensors by name, which the caller owns.</returns>
    public Result<IReadOnlyDictionary<string, Tensor>> ReadAll()
    {
        Dictionary<string, Tensor> tensors = [];
        foreach (var name in Entries.Keys)
        {
            if (!Read(name).TryGet(out var tensor, out var fault))
            {
                foreach (var read in tensors.Values) read.Dispose();
                return Result.Fail<IReadOnlyDictionary<string, Tensor>>(fault);
            }
            tensors.Add(name, tensor);
        }
        return tensors;
    }
}
