using System.Runtime.InteropServices;

namespace LeapAlign.Host.Commands.Streams;

/// <summary>
/// The descriptors 0, 1 and 2. A program that is started with one of them closed (<c>&gt;&amp;-</c>) gives its number to the next file it opens, and what is printed, by native
/// code too, would go into that file.
/// </summary>
internal static partial class Descriptors
{
    public const int Output = 1, Error = 2;

    private const int Last = 2, GetFlags = 1, CloseOnExec = 1, ReadWrite = 2;

    /// <summary>Gives those that are closed to the null device, before a file gets their numbers.</summary>
    /// <returns>For each whether the process was started with it.</returns>
    public static IReadOnlyList<bool> Hold()
    {
        if (!OperatingSystem.IsLinux()) return [true, true, true];
        var open = new bool[Last + 1];
        for (var number = 0; number <= Last; number++)
        {
            var flags = fcntl(number, GetFlags);
            // One that closes with exec did not come through it: the runtime has opened a file of its own under the number.
            open[number] = flags >= 0 && (flags & CloseOnExec) == 0;
            // The lowest that is free is the one that is taken.
            if (flags < 0) _ = Open("/dev/null", ReadWrite);
        }
        return open;
    }

    [LibraryImport("libc")]
    private static partial int fcntl(int descriptor, int command);

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);
}
