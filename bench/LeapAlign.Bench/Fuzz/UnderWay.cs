using System.Runtime.InteropServices;

namespace LeapAlign.Bench.Fuzz;

/// <summary>
/// The number of the mutant that is tried, in a file: an overflow of the stack or a crash of native code ends the process, and the next run with the same
/// seed finds here which file did it.
/// </summary>
internal sealed class UnderWay : IDisposable
{
    private readonly string _path;
    private readonly Microsoft.Win32.SafeHandles.SafeFileHandle _file;
    private readonly PosixSignalRegistration[] _stops;

    private UnderWay(string path)
    {
        _path = path;
        _file = File.OpenHandle(path, FileMode.Create, FileAccess.Write);
        // Somebody who stops a run has found nothing.
        _stops = [PosixSignalRegistration.Create(PosixSignal.SIGINT, _ => File.Delete(path)), PosixSignalRegistration.Create(PosixSignal.SIGTERM, _ => File.Delete(path))];
    }

    /// <summary>Begins, unless a run before this one did not end.</summary>
    /// <param name="target">The target.</param>
    /// <param name="seed">The seed.</param>
    /// <param name="died">The number at which the process died; null when it did not.</param>
    public static UnderWay Begin(IFuzzTarget target, long seed, out long? died)
    {
        var path = Path.Combine(Path.GetTempPath(), FormattableString.Invariant($"leapalign-fuzz-{target.Name}-{seed}"));
        died = File.Exists(path) && File.ReadAllBytes(path) is { Length: sizeof(long) } number ? BitConverter.ToInt64(number) : null;
        return new(path);
    }

    /// <summary>Notes a number.</summary>
    public void Note(long number) => RandomAccess.Write(_file, BitConverter.GetBytes(number), 0);

    /// <summary>The run has ended.</summary>
    public void Dispose()
    {
        foreach (var stop in _stops) stop.Dispose();
        _file.Dispose();
        File.Delete(_path);
    }
}
