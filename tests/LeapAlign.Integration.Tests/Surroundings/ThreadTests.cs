using System.Globalization;
using System.Text.RegularExpressions;

namespace LeapAlign.Integration.Tests.Surroundings;

/// <summary>How many threads compute and how they wait, as libgomp itself says it when it is loaded (<c>OMP_DISPLAY_ENV</c>).</summary>
public sealed class ThreadTests : IDisposable
{
    private readonly Workspace _workspace = new();

    [Theory]
    [InlineData("'0'", "they sleep (OMP_WAIT_POLICY=passive, set at start)", "taskset", "-c", "0")]
    [InlineData("'0'", "as the environment says: OMP_WAIT_POLICY=passive", "OMP_WAIT_POLICY=passive")]
    [InlineData("'30000000000'", "as the environment says: OMP_WAIT_POLICY=active", "OMP_WAIT_POLICY=active")]
    [InlineData("'1234'", "as the environment says: GOMP_SPINCOUNT=1234", "GOMP_SPINCOUNT=1234")]
    [InlineData("'300000'", "they spin, as libgomp has it (LEAPALIGN_TUNING is off)", "LEAPALIGN_TUNING=0")]
    public void They_wait_as_the_user_says_and_one_thread_waits_for_nobody(string spins, string words, params string[] variables)
    {
        var outcome = Doctor([.. variables, BuiltHost.Program]);
        Assert.Contains(words, outcome.Output, StringComparison.Ordinal);
        Assert.Contains($"GOMP_SPINCOUNT = {spins}", outcome.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void They_spin_for_about_as_long_as_a_wake_up_takes_and_then_sleep()
    {
        Assert.SkipWhen(Environment.ProcessorCount < 2, "one processor: one thread waits for nobody");
        var outcome = Doctor([BuiltHost.Program]);
        var said = Regex.Match(outcome.Output, @"they spin for (\d+) µs and then sleep \(GOMP_SPINCOUNT=(\d+), set at start\)");
        Assert.True(said.Success, outcome.Output);
        Assert.Contains($"GOMP_SPINCOUNT = '{said.Groups[2].Value}'", outcome.Error, StringComparison.Ordinal);
        // A turn lasts as long as the processor's pause instruction: 3 to 45 ns by its kind, and longer on a machine that is busy all the while.
        Assert.InRange(double.Parse(said.Groups[1].Value, CultureInfo.InvariantCulture) * 1000 / double.Parse(said.Groups[2].Value, CultureInfo.InvariantCulture), 1, 500);
    }

    [Fact]
    public void Settings_turn_it_off() =>
        Assert.Contains("they spin, as libgomp has it (run.tuning is false)", Doctor([BuiltHost.Program], "--set", "run.tuning=false").Output, StringComparison.Ordinal);

    [Fact]
    public void Threads_are_those_of_the_affinity_mask_or_of_the_settings()
    {
        _workspace.Json["run"]!.AsObject().Remove("threads");
        _workspace.Save();
        Assert.Contains("1 for tensor operations, one for each processor that this process may use", Doctor(["taskset", "-c", "0", BuiltHost.Program]).Output, StringComparison.Ordinal);
        Assert.Contains("3 for tensor operations, as run.threads says", Doctor([BuiltHost.Program], "--set", "run.threads=3").Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Doctor_shows_the_stack_for_signals() =>
        Assert.Contains("256 KB on this thread, and on each that enters libtorch", Doctor([BuiltHost.Program]).Output, StringComparison.Ordinal);

    public void Dispose() => _workspace.Dispose();

    private Outcome Doctor(IEnumerable<string> program, params string[] arguments)
    {
        using var process = BuiltHost.Start(_workspace.Folder, "env", ["-u", "OMP_WAIT_POLICY", "OMP_DISPLAY_ENV=verbose", .. program, "doctor", .. arguments]);
        var outcome = BuiltHost.Finish(process);
        Assert.True(outcome.ExitCode == 0, outcome.Output + outcome.Error);
        return outcome;
    }
}
