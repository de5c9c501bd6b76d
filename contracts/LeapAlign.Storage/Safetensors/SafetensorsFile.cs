using System.Buffers.Binary;
using LeapAlign.Pipeline;
using LeapAlign.Storage.Disks;
using Microsoft.Win32.SafeHandles;
using static TorchSharp.torch;

namespace LeapAlign.Storage.Safetensors;

/// <summary>
/// One safetensors file: its header is read and checked when it is opened, tensors are read when asked for. It stays open until it is disposed, so that all
/// tensors come from the file whose header was read, whatever takes its name meanwhile.
/// </summary>
public sealed class SafetensorsFile : IWeightSource, IDisposable
{
    private const int LengthWord = 8;
    private readonly SafeFileHandle _file;
    private readonly SafetensorsHeader _header;
    private readonly long _dataStart;
    private readonly (long Length, DateTime Written) _content;
    private MappedFile? _mapped;
    private bool _isClosed;

    private SafetensorsFile(string path, SafeFileHandle file, SafetensorsHeader header, long dataStart)
    {
        (Location, _file, _header, _dataStart) = (path, file, header, dataStart);
        _content = MappedFile.ContentOf(file);
    }

    /// <inheritdoc/>
    public string Location { get; }

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, WeightEntry> Entries => _header.Entries;

    /// <summary>The text that the file carries beside its tensors, <c>format</c> for instance.</summary>
    public IReadOnlyDictionary<string, string> Metadata => _header.Metadata;

    /// <summary>The bytes of files that tensors of this process lie over now, each counted once: page cache, which the system takes back when it needs it.</summary>
    public static long MappedBytes => MappedFile.Bytes;

    /// <summary>Opens a file and checks its header.</summary>
    /// <returns>
    /// <see cref="FaultCodes.ModelNotFound"/> when there is no such file; <see cref="FaultCodes.DamagedWeights"/> when it cannot be read or its header
    /// does not describe every byte of it exactly once.
    /// </returns>
    public static Result<SafetensorsFile> Open(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (!File.Exists(path)) return new Fault.Input(FaultCodes.ModelNotFound, "there is no such weights file", new SourcePlace(path));
        SafeFileHandle? file = null;
        try
        {
            file = RegularFile.Open(path);
            var opened = ReadHeader(file, path);
            if (opened.IsOk) file = null;
            return opened;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return Damaged(path, $"the file cannot be read ({exception.Message})");
        }
        finally
        {
            file?.Dispose();
        }
    }

    /// <inheritdoc/>
    /// <exception cref="KeyNotFoundException">The name is not among <see cref="Entries"/>.</exception>
    /// <exception cref="ObjectDisposedException">The file was closed.</exception>
    public Result<Tensor> Read(string name)
    {
        var entry = _header.Entries[name];
        ObjectDisposedException.ThrowIf(_isClosed, this);
        try
        {
            var tensor = empty([.. entry.Shape], dtype: entry.Type, device: CPU);
            if (TensorBytes.Read(_file, _dataStart + _header.Offsets[name], tensor) && MappedFile.ContentOf(_file) == _content) return tensor;
            tensor.Dispose();
            return Damaged(Location, $"tensor '{name}': the file changed after it was opened");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return Damaged(Location, $"tensor '{name}': the file cannot be read ({exception.Message})");
        }
    }

    /// <inheritdoc/>
    /// <remarks>The file is mapped whole, once, until the last tensor over it is gone.</remarks>
    /// <exception cref="KeyNotFoundException">The name is not among <see cref="Entries"/>.</exception>
    /// <exception cref="ObjectDisposedException">The file was closed.</exception>
    public Result<Tensor> Map(string name)
    {
        var entry = _header.Entries[name];
        if (entry.Shape.Contains(0)) return Read(name);
        ObjectDisposedException.ThrowIf(_isClosed, this);
        try
        {
            _mapped ??= MappedFile.Open(Location, _file, _content);
            return _mapped.Change() is { } change ? change : _mapped.Over(_dataStart + _header.Offsets[name], entry);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return Damaged(Location, $"tensor '{name}': the file cannot be mapped ({exception.Message})");
        }
    }

    /// <inheritdoc/>
    public Result<Unit> CheckMapped() => _mapped?.Change() is { } change ? change : Unit.Value;

    /// <summary>Closes the file. Tensors over it stay valid.</summary>
    public void Dispose()
    {
        if (_isClosed) return;
        _isClosed = true;
        if (_mapped is null) _file.Dispose();
        else _mapped.Release();
    }

    private static Result<SafetensorsFile> ReadHeader(SafeFileHandle file, string path)
    {
        var fileLength = RandomAccess.GetLength(file);
        Span<byte> word = stackalloc byte[LengthWord];
        if (fileLength < LengthWord || RandomAccess.Read(file, word, 0) < LengthWord)
            return Damaged(path, $"the file has {fileLength} bytes, too few for the length of its header");
        if (word.SequenceEqual("version "u8)) return Damaged(path, "the file is a pointer of Git LFS, not the weights themselves; 'git lfs pull' fetches them");
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
        return SafetensorsHeader.Parse(json, fileLength - dataStart, path).Map(header => new SafetensorsFile(path, file, header, dataStart));
    }

    private static Fault Damaged(string path, string message) => new Fault.Input(FaultCodes.DamagedWeights, message, new SourcePlace(path));
}
