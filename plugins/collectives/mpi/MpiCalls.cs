using System.Runtime.InteropServices;
using System.Text;
using LeapAlign.Pipeline;

namespace LeapAlign.Collectives.Mpi;

/// <summary>The functions of MPI that a run needs.</summary>
internal sealed unsafe partial class MpiCalls
{
    private const int LongestText = 8192;

    private readonly MpiLibrary _library;
    private readonly delegate* unmanaged[Cdecl]<nint, nint, int, int*, int> _initialize;
    private readonly delegate* unmanaged[Cdecl]<int> _finalize;
    private readonly delegate* unmanaged[Cdecl]<nint, int, int> _abort;
    private readonly delegate* unmanaged[Cdecl]<nint, int*, int> _rank;
    private readonly delegate* unmanaged[Cdecl]<nint, int*, int> _size;
    private readonly delegate* unmanaged[Cdecl]<nint, nint, int> _errors;
    private readonly delegate* unmanaged[Cdecl]<int, byte*, int*, int> _text;
    private readonly delegate* unmanaged[Cdecl]<byte*, int*, int> _version;
    private readonly delegate* unmanaged[Cdecl]<byte*, int, nint, byte*, int, nint, nint, int> _allToAll;
    private readonly delegate* unmanaged[Cdecl]<byte*, int, nint, byte*, int, nint, nint, int> _allGather;
    private readonly delegate* unmanaged[Cdecl]<byte*, int, nint, int, nint, int> _broadcast;
    private readonly delegate* unmanaged[Cdecl]<byte*, int, nint, int, int, byte*, int, nint, int, int, nint, nint, int> _sendReceive;

    /// <summary>Takes the functions of a library.</summary>
    public MpiCalls(MpiLibrary library)
    {
        SignalStack.Enter();
        _library = library;
        _initialize = (delegate* unmanaged[Cdecl]<nint, nint, int, int*, int>)library.Function("MPI_Init_thread");
        _finalize = (delegate* unmanaged[Cdecl]<int>)library.Function("MPI_Finalize");
        _abort = (delegate* unmanaged[Cdecl]<nint, int, int>)library.Function("MPI_Abort");
        _rank = (delegate* unmanaged[Cdecl]<nint, int*, int>)library.Function("MPI_Comm_rank");
        _size = (delegate* unmanaged[Cdecl]<nint, int*, int>)library.Function("MPI_Comm_size");
        _errors = (delegate* unmanaged[Cdecl]<nint, nint, int>)library.Function("MPI_Comm_set_errhandler");
        _text = (delegate* unmanaged[Cdecl]<int, byte*, int*, int>)library.Function("MPI_Error_string");
        _version = (delegate* unmanaged[Cdecl]<byte*, int*, int>)library.Function("MPI_Get_library_version");
        _allToAll = (delegate* unmanaged[Cdecl]<byte*, int, nint, byte*, int, nint, nint, int>)library.Function("MPI_Alltoall");
        _allGather = (delegate* unmanaged[Cdecl]<byte*, int, nint, byte*, int, nint, nint, int>)library.Function("MPI_Allgather");
        _broadcast = (delegate* unmanaged[Cdecl]<byte*, int, nint, int, nint, int>)library.Function("MPI_Bcast");
        _sendReceive = (delegate* unmanaged[Cdecl]<byte*, int, nint, int, int, byte*, int, nint, int, int, nint, nint, int>)library.Function("MPI_Sendrecv");
    }

    /// <summary>
    /// Prepares the environment of native code, which does not see what .NET sets. UCX, on which MPICH stands, would take SIGSEGV from the runtime, and the first
    /// null reference of a plugin would end the process.
    /// </summary>
    public static void PrepareEnvironment()
    {
        SignalStack.Enter();
        if (OperatingSystem.IsLinux()) _ = SetVariable("UCX_ERROR_SIGNALS", "", 1);
    }

    /// <summary>Begins. Once in a process.</summary>
    public void Initialize()
    {
        int provided;
        Check(_initialize(0, 0, _library.Flavour.Funnelled, &provided), "MPI_Init_thread");
        // What goes wrong is a value from now on, and not the end of the process.
        Check(_errors(_library.Flavour.World, _library.Flavour.ErrorsReturn), "MPI_Comm_set_errhandler");
    }

    /// <summary>Ends; waits for the other processes.</summary>
    public void End() => Check(_finalize(), "MPI_Finalize");

    /// <summary>Ends all processes.</summary>
    public void Abort(int code) => _ = _abort(_library.Flavour.World, code);

    /// <summary>This process, and how many there are.</summary>
    public (int Rank, int World) Place()
    {
        int rank, size;
        Check(_rank(_library.Flavour.World, &rank), "MPI_Comm_rank");
        Check(_size(_library.Flavour.World, &size), "MPI_Comm_size");
        return (rank, size);
    }

    /// <summary>What the library says it is.</summary>
    public string Version()
    {
        var text = stackalloc byte[LongestText];
        var length = 0;
        Check(_version(text, &length), "MPI_Get_library_version");
        return Encoding.UTF8.GetString(text, length).TrimEnd('\0', '\n');
    }

    /// <summary>Each process's piece to each.</summary>
    public void AllToAll(ReadOnlySpan<byte> from, Span<byte> into, int each)
    {
        fixed (byte* source = from, target = into) Check(_allToAll(source, each, _library.Flavour.Bytes, target, each, _library.Flavour.Bytes, _library.Flavour.World), "MPI_Alltoall");
    }

    /// <summary>All pieces to each process.</summary>
    public void AllGather(ReadOnlySpan<byte> from, Span<byte> into)
    {
        fixed (byte* source = from, target = into) Check(_allGather(source, from.Length, _library.Flavour.Bytes, target, from.Length, _library.Flavour.Bytes, _library.Flavour.World), "MPI_Allgather");
    }

    /// <summary>The bytes of one process to all.</summary>
    public void Broadcast(Span<byte> bytes, int root)
    {
        fixed (byte* data = bytes) Check(_broadcast(data, bytes.Length, _library.Flavour.Bytes, root, _library.Flavour.World), "MPI_Bcast");
    }

    /// <summary>The bytes of this process to another one, and its bytes to this one.</summary>
    public void Swap(int other, ReadOnlySpan<byte> from, Span<byte> into)
    {
        // Messages between two processes come in the order they were sent in: one tag is enough.
        const int tag = 1;
        // The word for "no status" is another in each family, and so is the form of one: none takes more than this.
        var status = stackalloc byte[256];
        fixed (byte* source = from, target = into)
            Check(_sendReceive(source, from.Length, _library.Flavour.Bytes, other, tag, target, into.Length, _library.Flavour.Bytes, other, tag, _library.Flavour.World, (nint)status), "MPI_Sendrecv");
    }

    private void Check(int code, string function)
    {
        if (code == 0) return;
        var text = stackalloc byte[LongestText];
        var length = 0;
        var words = _text(code, text, &length) == 0 ? Encoding.UTF8.GetString(text, length).Trim('\0', '\n') : "no text";
        throw new FaultException(new Fault.Run(FaultCodes.CollectiveFailed, $"{function} of '{_library.File}' failed with code {code}: {words}"));
    }

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetVariable(string name, string value, int overwrite);
}
