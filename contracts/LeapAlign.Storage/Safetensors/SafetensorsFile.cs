using System.Buffers.Binary;
using LeapAlign.Pipeline;
using Microsoft.Win32.SafeHandles;
using static TorchSharp.torch;

namespace LeapAlign.Storage.Safetensors;

/// <summary>One safetensors file: its header is read and checked when it is opened, tensors are read when asked for.</summary>
public sealed class SafetensorsFile : IWeightSource
{
    private const int LengthWord = 8;
    private readonly SafetensorsHeader _header;
    private readonly long _dataStart;

    private SafetensorsFile(string path, SafetensorsHeader header, long dataStart)
    {
        Location = path;
        _header = header;
        _dataStart = dataStart;
    }

    /// <inheritdoc/>
    public string Location { get; }

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, WeightEntry> Entries => _header.Entries;

    /// <summary>The text that the file carries beside its tensors, <c>format</c> for instance.</summary>
    public IReadOnlyDictionary<string, string> Metadata => _header.Metadata;

    /// <summary>Opens a file and checks its header. The file is not kept open.</summary>
    /// <returns>
    /// <see cref="FaultCodes.ModelNotFound"/> when there is no such file; <see cref="FaultCodes.DamagedWeights"/> when it cannot be read or its header
    /// does not describe every byte of it exactly once.
    /// </returns>
    public static Result<SafetensorsFile> Open(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (!File.Exists(path)) return new Fault.Input(FaultCodes.ModelNotFound, "there is no such weights file", new SourcePlace(path));
        try
        {
            using var file = File.OpenHandle(path);
            return ReadHeader(file, path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return Damaged(path, $"the file cannot be read ({exception.Message})");
        }
    }

    /// <inheritdoc/>
    /// <exception cref="KeyNotFoundException">The name is not among <see cref="Entries"/>.</exception>
    public Result<Tensor> Read(string name)
    {
        var entry = _header.Entries[name];
        try
        {
            using var file = File.OpenHandle(Location);
            var tensor = empty([.. entry.Shape], dtype: entry.Type, device: CPU);
            if (TensorBytes.Read(file, _dataStart + _header.Offsets[name], tensor)) return tensor;
            tensor.Dispose();
            return Damaged(Location, $"tensor '{name}': the file became shorter after it was opened");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return Damaged(Location, $"tensor '{name}': the file cannot be read ({exception.Message})");
        }
    }

    private static Result<SafetensorsFile> ReadHeader(SafeFileHandle file, string path)
    {
        var fileLength = RandomAccess.GetLength(file);
        Span<byte> word = stackalloc byte[LengthWord];
        if (fileLength < LengthWord || RandomAccess.Read(file, word, 0) < LengthWord)
            return Damaged(path, $"the file has {fileLength} bytes, too few for the length of its header");
        var length = BinaryPrimitives.ReadUInt64LittleEndian(word);
        if (length > SafetensorsHeader.LargestHeader)
            return Damaged(path, $"the header claims {length} bytes, the format allows at most {SafetensorsHeader.LargestHeader}");
        if (length > (ulong)(fileLength - LengthWord))
            return Damaged(path, $"the header claims {length} bytes, but the file has {fileLength - LengthWord} after the length");
        var json = new byte[length];
        for (var filled = 0; filled < json.Length;)
        {
            var count = RandomAccess.Read(file, json.AsSpan(filled), LengthWord + filled);
            if (count == 0) return Damaged(path, "the file became shorter while it was read");
            filled += count;
        }
        var dataStart = LengthWord + (long)length;
        return SafetensorsHeader.Parse(json, fileLength - dataStart, path).Map(header => new SafetensorsFile(path, header, dataStart));
    }

    private static Fault Damaged(string path, string message) => new Fault.Input(FaultCodes.DamagedWeights, message, new SourcePlace(path));
}
