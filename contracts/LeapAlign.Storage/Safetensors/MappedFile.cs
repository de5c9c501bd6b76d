using System.IO.MemoryMappedFiles;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using LeapAlign.Pipeline;
using Microsoft.Win32.SafeHandles;
using static TorchSharp.torch;

namespace LeapAlign.Storage.Safetensors;

/// <summary>
/// A weights file in the address space of the process: read-only, and the page cache's, so that the system takes the memory back when it needs it. It is mapped
/// as long as a tensor over it lives, views and what autograd saved included: the tensors' storage tells when it is gone (docs/decisions/0040).
/// </summary>
internal sealed unsafe partial class MappedFile
{
    private static readonly Lock s_gate = new();
    private static readonly List<MappedFile> s_living = [];
    private readonly SafeFileHandle _file;
    private readonly (long Length, DateTime Written) _content;
    private readonly MemoryMappedFile _map;
    private readonly MemoryMappedViewAccessor _view;
    private readonly nint _start;
    private readonly long _length;
    private readonly Dictionary<nint, (int Tensors, long Bytes)> _used = [];
    private int _users = 1;

    private MappedFile(string path, SafeFileHandle file, (long Length, DateTime Written) content)
    {
        (Path, _file, _content, _length) = (path, file, content, content.Length);
        _map = MemoryMappedFile.CreateFromFile(file, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: true);
        _view = _map.CreateViewAccessor(0, 0, MemoryMappedFileAccess.Read);
        byte* start = null;
        _view.SafeMemoryMappedViewHandle.AcquirePointer(ref start);
        _start = (nint)start;
    }

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>Maps a file; <see cref="Release"/> gives up what this counts as one use.</summary>
    /// <param name="path">The file.</param>
    /// <param name="file">Its handle, which is closed with the mapping: until then the file can be looked at.</param>
    /// <param name="content">What it was when it was opened.</param>
    /// <exception cref="IOException">The system does not map it.</exception>
    public static MappedFile Open(string path, SafeFileHandle file, (long Length, DateTime Written) content)
    {
        SignalStack.Enter();
        var mapped = new MappedFile(path, file, content);
        lock (s_gate) s_living.Add(mapped);
        return mapped;
    }

    /// <summary>The bytes that tensors over files have now, each counted once. They are the page cache's.</summary>
    public static long Bytes
    {
        get
        {
            lock (s_gate) return s_living.Sum(static file => file._used.Values.Sum(static part => part.Bytes));
        }
    }

    /// <summary>What is wrong with the file since it was opened; null for nothing, and when it is no longer mapped.</summary>
    public Fault? Change()
    {
        (long Length, DateTime Written) now;
        lock (s_gate)
        {
            if (_users == 0) return null;
            now = ContentOf(_file);
        }
        if (now == _content) return null;
        var what = now.Length < _content.Length
            ? $"the file was cut from {_content.Length} to {now.Length} bytes"
            : "the file was written to, or touched,";
        return new Fault.Input(FaultCodes.DamagedWeights, $"{what} while the run computes with its content, which is mapped and not copied; put another file in its place (mv) instead of writing over it", new SourcePlace(Path));
    }

    /// <summary>What tells one content of a file from another. One that is written over in place keeps its length when both are weights of the same model.</summary>
    public static (long Length, DateTime Written) ContentOf(SafeFileHandle file) => (RandomAccess.GetLength(file), File.GetLastWriteTimeUtc(file));

    /// <summary>A tensor over a part of the file, on the CPU. Writing to it ends the process.</summary>
    /// <param name="position">Where its bytes begin.</param>
    /// <param name="entry">Its type and shape; it has at least one element.</param>
    public Tensor Over(long position, WeightEntry entry)
    {
        SignalStack.Enter();
        LibTorch.Serve();
        var (start, bytes) = (_start + (nint)position, entry.Shape.Aggregate((long)SafetensorsType.SizeOf(entry.Type), static (product, size) => product * size));
        lock (s_gate)
        {
            _users++;
            _used[start] = (_used.GetValueOrDefault(start).Tensors + 1, bytes);
        }
        var sizes = entry.Shape.ToArray();
        fixed (long* first = sizes)
        {
            // Of at::from_blob: CPU is device type 0, without index.
            var handle = THSTensor_new(start, (nint)(delegate* unmanaged[Cdecl]<nint, void>)&Released, first, sizes.Length, (sbyte)entry.Type, (sbyte)entry.Type, 0, -1, 0);
            if (handle == 0)
            {
                GiveUp(start);
                CheckForErrors();
                throw new InvalidOperationException($"no tensor can be made over '{Path}'");
            }
            return Tensor.UnsafeCreateTensor(handle);
        }
    }

    /// <summary>Gives up one use; the last ends the mapping.</summary>
    public void Release()
    {
        lock (s_gate)
        {
            if (--_users > 0) return;
            s_living.Remove(this);
        }
        _view.SafeMemoryMappedViewHandle.ReleasePointer();
        _view.Dispose();
        _map.Dispose();
        _file.Dispose();
    }

    // Called by libtorch on whichever thread gives the memory up; an exception would end the process.
    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void Released(nint address)
    {
        MappedFile? owner;
        lock (s_gate) owner = s_living.Find(file => address >= file._start && address < file._start + (nint)file._length);
        owner?.GiveUp(address);
    }

    private void GiveUp(nint start)
    {
        lock (s_gate)
        {
            var (tensors, bytes) = _used[start];
            if (tensors > 1) _used[start] = (tensors - 1, bytes);
            else _used.Remove(start);
        }
        Release();
    }

    [LibraryImport("LibTorchSharp")]
    private static partial nint THSTensor_new(nint data, nint deleter, long* sizes, int count, sbyte storedType, sbyte type, int deviceType, int deviceIndex, byte requiresGrad);
}
