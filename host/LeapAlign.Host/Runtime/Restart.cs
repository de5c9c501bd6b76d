using System.Runtime.InteropServices;

namespace LeapAlign.Host.Runtime;

/// <summary>Begins this process again, as the same process, with variables that the runtime reads at its beginning.</summary>
internal static unsafe partial class Restart
{
    private const string WriteXorExecute = "DOTNET_EnableWriteXorExecute";
    private const ulong Roomy = 1UL << 30;
    private const int FileSize = 1;

    /// <summary>
    /// The runtime keeps its code in a file without a name, which counts against <c>ulimit -f</c>: under a small limit the process would end in the middle of a run, when that file has grown.
    /// It does without when it is told.
    /// </summary>
    public static void IfFilesAreLimited()
    {
        if (!OperatingSystem.IsLinux() || Environment.GetEnvironmentVariable(WriteXorExecute) is not null) return;
        if (ReadLimit(FileSize, out var limit) != 0 || limit.Now >= Roomy) return;
        Libc.Set(WriteXorExecute, "0");
        Now();
    }

    /// <summary>Begins again with the variables that the C library has now. It returns where that is not possible.</summary>
    public static void Now()
    {
        // As it was begun, word by word.
        var command = File.ReadAllBytes("/proc/self/cmdline");
        var words = new List<nint>();
        fixed (byte* start = command)
        {
            for (var at = 0; at < command.Length; at += command.AsSpan(at).IndexOf((byte)0) + 1) words.Add((nint)(start + at));
            words.Add(0);
            fixed (nint* pointers = CollectionsMarshal.AsSpan(words))
            fixed (byte* self = "/proc/self/exe\0"u8) _ = Execute(self, pointers);
        }
    }

    [LibraryImport("libc", EntryPoint = "execv")]
    private static partial int Execute(byte* path, nint* arguments);

    [LibraryImport("libc", EntryPoint = "getrlimit")]
    private static partial int ReadLimit(int resource, out Limit limit);

    private struct Limit
    {
        public ulong Now;
        public ulong Most;
    }
}
