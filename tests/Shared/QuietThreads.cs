using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace LeapAlign.Testing.Shared;

/// <summary>
/// Test projects run side by side. OpenMP threads that spin while they wait would take the cores from each other (twelve times slower, measured with two
/// processes on two cores), so they sleep instead. The variable is read when the library loads, which is after this.
/// </summary>
internal static partial class QuietThreads
{
    [ModuleInitializer]
    internal static void Set()
    {
        if (OperatingSystem.IsLinux()) _ = setenv("OMP_WAIT_POLICY", "passive", overwrite: 0);
    }

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int setenv(string name, string value, int overwrite);
}
