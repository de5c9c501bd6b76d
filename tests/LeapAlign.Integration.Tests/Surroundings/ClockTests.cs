using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using LeapAlign.Integration.Tests.Interruptions;

namespace LeapAlign.Integration.Tests.Surroundings;

/// <summary>A clock that is set back while a run is under way.</summary>
public sealed class ClockTests : IDisposable
{
    /// <summary>The time of day, an hour earlier each time it is asked for; how often is noted at the end.</summary>
    private const string Backwards = """
        #define _GNU_SOURCE
        #include <stdio.h>
        #include <stdlib.h>
        #include <sys/syscall.h>
        #include <time.h>
        #include <unistd.h>
        static long asked;
        int clock_gettime(clockid_t clock, struct timespec *time)
        {
            int failed = syscall(SYS_clock_gettime, clock, time);
            if (!failed && clock == CLOCK_REALTIME) time->tv_sec -= 3600 * (__sync_add_and_fetch(&asked, 1) % 50000);
            return failed;
        }
        __attribute__((destructor)) static void note(void)
        {
            FILE *file = fopen(getenv("CLOCK_NOTE"), "w");
            if (file) { fprintf(file, "%ld", asked); fclose(file); }
        }
        """;

    private readonly Workspace _workspace = new();

    public void Dispose() => _workspace.Dispose();

    [Fact]
    public void A_clock_that_goes_backwards_changes_nothing()
    {
        if (!OperatingSystem.IsLinux()) Assert.Skip("the clock is exchanged with LD_PRELOAD");
        Compile();
        var straight = _workspace.Leapalign("train", "--name", "straight");
        Assert.True(straight.ExitCode == 0, straight.Error);
        using var process = BuiltHost.Start(_workspace.Folder, "env", $"LD_PRELOAD={_workspace.At("clock.so")}", $"CLOCK_NOTE={_workspace.At("asked")}", BuiltHost.Program, "train", "--name", "backwards");
        var backwards = BuiltHost.Finish(process);
        Assert.True(backwards.ExitCode == 0, backwards.Error);
        Assert.True(long.Parse(File.ReadAllText(_workspace.At("asked")), CultureInfo.InvariantCulture) > 0, "nobody asked for the time");

        Digest.AssertSame(_workspace.At("runs", "straight"), _workspace.At("runs", "backwards"));
        var timings = _workspace.Lines("backwards").SelectMany(static line => Numbers(line["timings"])).ToList();
        Assert.NotEmpty(timings);
        Assert.All(timings, static seconds => Assert.InRange(seconds, 0, 3000));
    }

    private void Compile()
    {
        _workspace.Write("clock.c", Backwards);
        try
        {
            using var compiler = Process.Start(new ProcessStartInfo("cc", ["-shared", "-fPIC", "-o", _workspace.At("clock.so"), _workspace.At("clock.c")]))!;
            compiler.WaitForExit();
            Assert.Equal(0, compiler.ExitCode);
        }
        catch (System.ComponentModel.Win32Exception)
        {
            Assert.Skip("there is no C compiler");
        }
    }

    private static IEnumerable<double> Numbers(JsonNode? node) => node switch
    {
        JsonObject keys => keys.SelectMany(static pair => Numbers(pair.Value)),
        JsonArray items => items.SelectMany(Numbers),
        JsonValue value when value.TryGetValue(out double number) => [number],
        _ => [],
    };
}
