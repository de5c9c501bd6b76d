using System.Text.Json.Nodes;
using LeapAlign.Host.Configuration;

namespace LeapAlign.Host.Runtime;

/// <summary>
/// Threads of OpenMP wait for each other many times in a step. As libgomp has it they spin, and with another busy process on the same processors a step takes twenty times as long. So they sleep
/// (docs/decisions/0025), unless the user says something else. libgomp reads the variables when it is loaded, which is with libtorch.
/// </summary>
internal static class WaitingThreads
{
    private const string Policy = "OMP_WAIT_POLICY";
    private const string Spins = "GOMP_SPINCOUNT";
    private static string s_words = "as libgomp has it";

    /// <summary>How they wait.</summary>
    public static string Words => s_words;

    /// <summary>Lets them sleep. Call it before libtorch is touched.</summary>
    /// <param name="source">plugins.json, which may turn tuning off; null when it cannot be read.</param>
    public static void LetSleep(JsonSource? source) =>
        LetSleep(!StartupTuning.IsAllowed ? "LEAPALIGN_TUNING is off" : source?.Root["run"]?["tuning"] is JsonValue tuning && tuning.TryGetValue(out bool wanted) && !wanted ? "run.tuning is false" : null);

    private static void LetSleep(string? off)
    {
        if (!OperatingSystem.IsLinux()) return;
        if (Said() is { } said) s_words = said;
        else if (off is not null) s_words = $"they spin, as libgomp has it ({off})";
        else if (IsLoaded()) s_words = "as libgomp has it, which was loaded before";
        else
        {
            Libc.Set(Policy, "passive");
            s_words = $"they sleep ({Policy}=passive, set at start)";
        }
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
