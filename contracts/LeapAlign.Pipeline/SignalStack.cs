using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace LeapAlign.Pipeline;

/// <summary>
/// The stack on which a thread receives SIGSEGV, from which the runtime makes a <see cref="NullReferenceException"/>. The runtime maps 16 KB for it. A thread that has multiplied with AMX carries
/// 8 KB of tiles more in the frame of every signal, the frame no longer fits, and the process ends without a word. So every thread gets a larger one before its first native call
/// (docs/decisions/0023): programs run a copy of TorchSharp that calls <see cref="Enter"/> before each of its own, and code that calls libtorch past TorchSharp calls it too.
/// </summary>
public static unsafe partial class SignalStack
{
    /// <summary>Bytes of a stack that holds the frame of a signal whatever the thread computed, many times over.</summary>
    public const int Enough = 256 * 1024;

    private const string Limit = "ONEDNN_MAX_CPU_ISA";

    [ThreadStatic]
    private static bool t_entered;

    [ThreadStatic]
    private static MappedStack? t_stack;

    // What the runtime maps for the threads that it starts; one of another size belongs to somebody else.
    private static readonly nuint s_runtimeSize = OperatingSystem.IsLinux() ? Current().Size : 0;

    /// <summary>Whether the processor has AMX. Linux tells; elsewhere nobody asks.</summary>
    public static bool ProcessorHasTiles { get; } = OperatingSystem.IsLinux() && HasTiles();

    /// <summary>Whether oneDNN was told to do without AMX, because a thread could not get a larger stack.</summary>
    public static bool AvoidsTiles { get; private set; }

    /// <summary>Bytes of this thread's stack for signals; 0 when it has none, or off Linux.</summary>
    public static long SizeOfThisThread => OperatingSystem.IsLinux() && Current() is { Flags: not Disabled } stack ? (long)stack.Size : 0;

    /// <summary>Gives this thread a larger stack for signals unless it has one. Call it before a native call that may compute; after the first time it costs a nanosecond.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Enter()
    {
        if (!t_entered) Cover();
    }

    /// <summary>Tells oneDNN to do without AMX, unless the user has told it something already. It listens until its first product.</summary>
    public static void AvoidTiles()
    {
        if (!OperatingSystem.IsLinux() || AvoidsTiles) return;
        if (GetVariable(Limit) != 0) return;
        _ = SetVariable(Limit, "AVX512_CORE_BF16", 0);
        AvoidsTiles = true;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Cover()
    {
        // Also where nothing can be done, so that it is tried once.
        t_entered = true;
        if (!OperatingSystem.IsLinux()) return;
        t_stack = Enlarge();
        if (t_stack is null && ProcessorHasTiles && SizeOfThisThread < Enough) AvoidTiles();
    }

    private static MappedStack? Enlarge()
    {
        var old = Current();
        if (old.Flags != Disabled && old.Size >= Enough) return null;
        var stack = MappedStack.Map(Enough);
        if (stack is null) return null;
        var mine = new Stack { Start = stack.Start, Size = Enough };
        if (Exchange(&mine, null) != 0)
        {
            stack.Free();
            return null;
        }
        // The runtime frees at the end of a thread what it mapped, if that is still in use: nobody else would.
        if (old.Flags != Disabled && old.Size == s_runtimeSize) _ = Unmap(old.Start, old.Size);
        return stack;
    }

    private static Stack Current()
    {
        Stack now;
        return Exchange(null, &now) == 0 ? now : new Stack { Flags = Disabled };
    }

    private static bool HasTiles()
    {
        try
        {
            return File.ReadLines("/proc/cpuinfo").FirstOrDefault(static line => line.StartsWith("flags", StringComparison.Ordinal))?.Split(' ').Contains("amx_tile") == true;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // Better without AMX than without a word.
            return true;
        }
    }

    private const int Disabled = 2;

    // stack_t of Linux, the same on x64 and arm64.
    [StructLayout(LayoutKind.Sequential)]
    private struct Stack
    {
        public nint Start;
        public int Flags;
        public nuint Size;
    }

    [LibraryImport("libc", EntryPoint = "sigaltstack")]
    private static partial int Exchange(Stack* next, Stack* previous);

    [LibraryImport("libc", EntryPoint = "munmap")]
    private static partial int Unmap(nint start, nuint size);

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetVariable(string name, string value, int overwrite);

    [LibraryImport("libc", EntryPoint = "getenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint GetVariable(string name);

    /// <summary>A mapped stack, and a page in front of it that nothing may touch. It lies in a static of its thread: once that is gone, the collector finds it and it is unmapped.</summary>
    private sealed partial class MappedStack
    {
        private const int ReadAndWrite = 3, None = 0, PrivateAnonymousStack = 0x20022;

        private nint _mapping;
        private readonly nuint _size;
        private readonly string? _thread;

        private MappedStack(nint mapping, nuint size) => (_mapping, _size, _thread) = (mapping, size, new FileInfo("/proc/thread-self").LinkTarget);

        // The thread lets go of its statics shortly before it lets go of its stack.
        ~MappedStack()
        {
            if (_mapping == 0) return;
            if (_thread is not null && Directory.Exists(Path.Combine("/proc", _thread))) GC.ReRegisterForFinalize(this);
            else Free();
        }

        public nint Start => _mapping + Environment.SystemPageSize;

        public static MappedStack? Map(int size)
        {
            var whole = (nuint)(size + Environment.SystemPageSize);
            var mapping = Map(0, whole, ReadAndWrite, PrivateAnonymousStack, -1, 0);
            if (mapping == -1) return null;
            if (Protect(mapping, (nuint)Environment.SystemPageSize, None) == 0) return new MappedStack(mapping, whole);
            _ = Unmap(mapping, whole);
            return null;
        }

        public void Free()
        {
            _ = Unmap(_mapping, _size);
            _mapping = 0;
        }

        [LibraryImport("libc", EntryPoint = "mmap")]
        private static partial nint Map(nint address, nuint size, int protection, int flags, int file, long offset);

        [LibraryImport("libc", EntryPoint = "mprotect")]
        private static partial int Protect(nint address, nuint size, int protection);
    }
}
