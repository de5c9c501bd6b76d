using System.Runtime.InteropServices;
using System.Text;
using LeapAlign.Pipeline;

namespace LeapAlign.Collectives.Mpi;

/// <summary>The functions of MPI that a run needs.</summary>
internal sealed unsafe partial class MpiCalls
{
    private const int LongestText = 8192;

    // MPI_Status is 20 to 32 bytes. What it says is not read: senders and lengths are known.
    private const int StatusBytes = 256;

    // Messages of this program are told apart by their order.
    private const int Tag = 0;

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
    private readonly delegate* unmanaged[Cdecl]<nint, int, int, nint*, int> _split;
    private readonly delegate* unmanaged[Cdecl]<byte*, int, nint, int, int, nint, int> _send;
    private readonly delegate* unmanaged[Cdecl]<byte*, int, nint, int, int, nint, byte*, int> _receive;
    private readonly delegate* unmanaged[Cdecl]<int, int, nint, int*, byte*, int> _probe;

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
        _split = (delegate* unmanaged[Cdecl]<nint, int, int, nint*, int>)library.Function("MPI_Comm_split");
        _send = (delegate* unmanaged[Cdecl]<byte*, int, nint, int, int, nint, int>)library.Function("MPI_Send");
        _receive = (delegate* unmanaged[Cdecl]<byte*, int, nint, int, int, nint, byte*, int>)library.Function("MPI_Recv");
        _probe = (delegate* unmanaged[Cdecl]<int, int, nint, int*, byte*, int>)library.Function("MPI_Iprobe");
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

    /// <summary>MPI_COMM_WORLD.</summary>
    public nint World => _library.Flavour.World;

    /// <summary>This process among those of a communicator, and how many there are.</summary>
    public (int Rank, int World) Place(nint communicator)
    {
        int rank, size;
        Check(_rank(communicator, &rank), "MPI_Comm_rank");
        Check(_size(communicator, &size), "MPI_Comm_size");
        return (rank, size);
    }

    /// <summary>The communicator of the processes that say the same.</summary>
    public nint Split(nint communicator, int group, int rank)
    {
        // A handle of 32 bits fills the lower half.
        nint part = 0;
        Check(_split(communicator, group, rank, &part), "MPI_Comm_split");
        Check(_errors(part, _library.Flavour.ErrorsReturn), "MPI_Comm_set_errhandler");
        return part;
    }

    /// <summary>Bytes to one process.</summary>
    public void Send(ReadOnlySpan<byte> bytes, int to, nint communicator)
    {
        fixed (byte* data = bytes) Check(_send(data, bytes.Length, _library.Flavour.Bytes, to, Tag, communicator), "MPI_Send");
    }

    /// <summary>Bytes from one process.</summary>
    public void Receive(Span<byte> bytes, int from, nint communicator)
    {
        var status = stackalloc byte[StatusBytes];
        fixed (byte* data = bytes) Check(_receive(data, bytes.Length, _library.Flavour.Bytes, from, Tag, communicator, status), "MPI_Recv");
    }

    /// <summary>Whether bytes of one process are there.</summary>
    public bool HasMessage(int from, nint communicator)
    {
        var status = stackalloc byte[StatusBytes];
        var there = 0;
        Check(_probe(from, Tag, communicator, &there, status), "MPI_Iprobe");
        return there != 0;
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
    public void AllToAll(ReadOnlySpan<byte> from, Span<byte> into, int each, nint communicator)
    {
        fixed (byte* source = from, target = into) Check(_allToAll(source, each, _library.Flavour.Bytes, target, each, _library.Flavour.Bytes, communicator), "MPI_Alltoall");
    }

    /// <summary>All pieces to each process.</summary>
    public void AllGather(ReadOnlySpan<byte> from, Span<byte> into, nint communicator)
    {
        fixed (byte* source = from, target = into) Check(_allGather(source, from.Length, _library.Flavour.Bytes, target, from.Length, _library.Flavour.Bytes, communicator), "MPI_Allgather");
    }

    /// <summary>The bytes of one process to all.</summary>
    public void Broadcast(Span<byte> bytes, int root, nint communicator)
    {
        fixed (byte* data = bytes) Check(_broadcast(data, bytes.Length, _library.Flavour.Bytes, root, communicator), "MPI_Bcast");
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
