using System.Diagnostics;
using System.Globalization;
using System.Runtime.Intrinsics.X86;
using System.Text.Json.Nodes;
using LeapAlign.Host.Configuration;

namespace LeapAlign.Host.Runtime;

/// <summary>
/// Threads of OpenMP wait for each other many times in a step. As libgomp has it they spin for milliseconds, and with another busy process on the same processors a step takes twenty times as long. So
/// they spin for about as long as it takes to wake a thread, and then sleep (docs/decisions/0025), unless the user says something else. libgomp reads the variables when it is loaded, which is with
/// libtorch.
/// </summary>
internal static class WaitingThreads
{
    private const string Policy = "OMP_WAIT_POLICY";
    private const string Spins = "GOMP_SPINCOUNT";

    // To wake a thread takes 5 µs where its processor is awake and 30 to 80 where it has to be fetched, as on a virtual machine. Most waits of a step are shorter; longer spinning costs more beside busy processes
    // than it gains.
    private const double SpinSeconds = 20e-6;
    private static string s_words = "as libgomp has it";

    /// <summary>How they wait.</summary>
    public static string Words => s_words;

    /// <summary>Chooses how they wait. Call it before libtorch is touched.</summary>
    /// <param name="source">plugins.json, which may turn tuning off; null when it cannot be read.</param>
    public static void Settle(JsonSource? source) =>
        Settle(!StartupTuning.IsAllowed ? "LEAPALIGN_TUNING is off" : source?.Said("run", "tuning") is JsonValue tuning && tuning.TryGetValue(out bool wanted) && !wanted ? "run.tuning is false" : null);

    private static void Settle(string? off)
    {
        if (!OperatingSystem.IsLinux()) return;
        if (Said() is { } said) s_words = said;
        else if (off is not null) s_words = $"they spin, as libgomp has it ({off})";
        else if (IsLoaded()) s_words = "as libgomp has it, which was loaded before";
        else
        {
            var (name, value, why) = Choose(StartupTuning.DefaultThreads, X86Base.IsSupported ? SecondsOfTurn() : null);
            Libc.Set(name, value);
            s_words = $"they {why} ({name}={value}, set at start)";
        }
    }

    /// <summary>The variable, its value, and what it makes of threads that wait.</summary>
    /// <param name="threads">Threads that compute; one waits for nobody.</param>
    /// <param name="turn">Seconds of a turn of libgomp's waiting loop; null where it is not known.</param>
    internal static (string Name, string Value, string Why) Choose(int threads, double? turn) => threads > 1 && turn is { } seconds
        ? (Spins, Math.Round(SpinSeconds / seconds).ToString(CultureInfo.InvariantCulture), $"spin for {SpinSeconds * 1e6:0} µs and then sleep")
        : (Policy, "passive", "sleep");

    // A turn of that loop is the processor's pause instruction and a look at memory: 3 to 45 ns by the kind of processor. The least of some attempts, since neighbours can only slow them.
    private static double SecondsOfTurn()
    {
        const int Turns = 2_000;
        var least = double.MaxValue;
        for (var attempt = 0; attempt < 20; attempt++)
        {
            var started = Stopwatch.GetTimestamp();
            for (var turn = 0; turn < Turns; turn++) X86Base.Pause();
            least = Math.Min(least, Stopwatch.GetElapsedTime(started).TotalSeconds / Turns);
        }
        return least;
    }

    // What this program set before says nothing of the user's.
    private static string? Said()
    {
        if (s_words.Contains("set at start", StringComparison.Ordinal)) return s_words;
        string[] said = [.. new[] { Policy, Spins }.Select(static name => (name, value: Libc.Get(name))).Where(static pair => pair.value is not null).Select(static pair => $"{pair.name}={pair.value}")];
        return said.Length == 0 ? null : $"as the environment says: {string.Join(", ", said)}";
    }

    private static bool IsLoaded() => File.ReadLines("/proc/self/maps").Any(static line => line.Contains("libgomp", StringComparison.Ordinal));
}
