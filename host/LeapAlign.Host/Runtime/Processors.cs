using System.Globalization;

namespace LeapAlign.Host.Runtime;

/// <summary>The processors that this process may use. A container sees all of the machine's, and is stopped for the rest of each period once it has used up its quota.</summary>
/// <param name="Machine">Processors of the machine.</param>
/// <param name="Allowed">Those of the affinity mask (<c>taskset</c>, cpusets).</param>
/// <param name="Quota">Processors' worth of time that the control group grants, the least of its own and its ancestors'; null when nothing limits it.</param>
internal sealed record Processors(int Machine, int Allowed, double? Quota)
{
    /// <summary>Those of this process.</summary>
    public static Processors Here { get; } = OperatingSystem.IsLinux() ? Read("/") : new(Environment.ProcessorCount, Environment.ProcessorCount, null);

    /// <summary>Whether the process that started this one gave it some of its own processors: a launcher that binds processes divides them itself.</summary>
    public static bool IsBound { get; } = OperatingSystem.IsLinux() && IsBoundBy("/");

    /// <summary>Threads that keep them busy: a part of a quota counts as one, and one is the least.</summary>
    public int Threads => Math.Max(1, (int)Math.Ceiling(Math.Min(Allowed, Quota ?? Allowed)));

    /// <summary>The same in words.</summary>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{Machine} in the machine, {Allowed} in the affinity mask, {(Quota is { } quota ? $"a quota of {quota:0.##}" : "no quota")}");

    /// <summary>Reads what Linux says below a root folder.</summary>
    public static Processors Read(string root)
    {
        var machine = Count(Text(root, "sys/devices/system/cpu/online")) ?? Environment.ProcessorCount;
        var allowed = Count(Lines(root, "proc/self/status").FirstOrDefault(static line => line.StartsWith("Cpus_allowed_list:", StringComparison.Ordinal))?.Split(':', 2)[1]) ?? machine;
        return new(machine, Math.Min(allowed, machine), Quotas(root).Min());
    }

    /// <summary>Whether the affinity mask is narrower than that of the parent.</summary>
    public static bool IsBoundBy(string root)
    {
        var parent = Lines(root, "proc/self/status").FirstOrDefault(static line => line.StartsWith("PPid:", StringComparison.Ordinal))?.Split(':', 2)[1].Trim();
        return parent is not null && Count(Mask("proc/self/status")) is { } own && Count(Mask($"proc/{parent}/status")) is { } wider && own < wider;

        string? Mask(string file) => Lines(root, file).FirstOrDefault(static line => line.StartsWith("Cpus_allowed_list:", StringComparison.Ordinal))?.Split(':', 2)[1];
    }

    // "0-3,8": a list of ranges.
    private static int? Count(string? list)
    {
        if (string.IsNullOrWhiteSpace(list)) return null;
        var count = 0;
        foreach (var range in list.Trim().Split(','))
        {
            var ends = range.Split('-');
            if (!int.TryParse(ends[0], CultureInfo.InvariantCulture, out var first) || !int.TryParse(ends[^1], CultureInfo.InvariantCulture, out var last)) return null;
            count += last - first + 1;
        }
        return count;
    }

    private static IEnumerable<double?> Quotas(string root)
    {
        foreach (var group in Lines(root, "proc/self/cgroup").Select(static line => line.Split(':', 3)).Where(static parts => parts.Length == 3))
        {
            var second = group[1].Length == 0;
            if (!second && !group[1].Split(',').Contains("cpu")) continue;
            // A control group is granted no more than each of its ancestors. Inside a container its own path may not be there; the root of what is mounted then is the container's.
            for (var path = group[2].Trim('/'); ; path = Path.GetDirectoryName(path) ?? "")
            {
                if (second)
                {
                    yield return Share(Text(root, $"sys/fs/cgroup/{path}/cpu.max"));
                    yield return Share(Text(root, $"sys/fs/cgroup/unified/{path}/cpu.max"));
                }
                else
                {
                    yield return Share($"{Text(root, $"sys/fs/cgroup/cpu/{path}/cpu.cfs_quota_us")?.Trim()} {Text(root, $"sys/fs/cgroup/cpu/{path}/cpu.cfs_period_us")?.Trim()}");
                }
                if (path.Length == 0) break;
            }
        }
    }

    // "50000 100000": microseconds of processor time in a period; "max" and -1 are no limit.
    private static double? Share(string? text) =>
        text?.Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) is [var quota, var period]
        && double.TryParse(quota, CultureInfo.InvariantCulture, out var granted) && double.TryParse(period, CultureInfo.InvariantCulture, out var of) && granted > 0 && of > 0
            ? granted / of
            : null;

    private static string? Text(string root, string file) => Lines(root, file).FirstOrDefault();

    private static string[] Lines(string root, string file)
    {
        try
        {
            return File.ReadAllLines(Path.Combine(root, file));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }
}
