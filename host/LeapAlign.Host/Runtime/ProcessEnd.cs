using System.Runtime.InteropServices;

namespace LeapAlign.Host.Runtime;

/// <summary>The end of this process while another of its threads cannot be stopped.</summary>
internal static partial class ProcessEnd
{
    /// <summary>
    /// Ends the process at once. Neither finalizers nor destructors of C++ run, as they do in <see cref="Environment.Exit"/>: they would destroy what libtorch computes with
    /// on the thread that hangs.
    /// </summary>
    /// <param name="code">The exit code.</param>
    public static void Now(int code)
    {
        if (OperatingSystem.IsWindows()) Environment.Exit(code);
        else Exit(code);
    }

    [LibraryImport("libc", EntryPoint = "_exit")]
    private static partial void Exit(int code);
}
