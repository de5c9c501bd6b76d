using System.Globalization;

namespace LeapAlign.Bench;

/// <summary>Processor time of the threads that do not compute the step: exports, timers, requests, compilation, finalizers.</summary>
internal sealed class ThreadTimes
{
    // Threads of libtorch have the name of the thread that made them.
    private static readonly string s_computing = File.ReadAllText($"/proc/self/task/{Environment.ProcessId}/comm");

    private Dictionary<string, long> _before = Read();

    /// <summary>Seconds of processor time since the last call. A thread that ended meanwhile is not counted.</summary>
    public double Next()
    {
        var now = Read();
        var nanoseconds = now.Sum(pair => pair.Value - _before.GetValueOrDefault(pair.Key));
        _before = now;
        return 1e-9 * nanoseconds;
    }

    private static Dictionary<string, long> Read()
    {
        Dictionary<string, long> times = [];
        foreach (var thread in Directory.EnumerateDirectories("/proc/self/task"))
        {
            try
            {
                if (File.ReadAllText($"{thread}/comm") != s_computing) times[thread] = long.Parse(File.ReadAllText($"{thread}/schedstat").Split(' ')[0], CultureInfo.InvariantCulture);
            }
            catch (IOException)
            {
                // It has ended.
            }
        }
        return times;
    }
}
