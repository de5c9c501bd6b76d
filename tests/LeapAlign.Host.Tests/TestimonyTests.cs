using System.Text.Json;
using LeapAlign.Host.Composition;
using LeapAlign.Host.Kernel.Guards;
using LeapAlign.Host.Kernel.Stages;
using LeapAlign.Host.Reports;
using LeapAlign.Host.Runs.Endings;
using LeapAlign.Host.Runs.Folders;
using LeapAlign.Host.Runs.Records;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Tests;

/// <summary>What is written of a run whose process could not.</summary>
public sealed class TestimonyTests : IDisposable
{
    private static readonly DateTimeOffset s_began = new(2026, 5, 4, 3, 2, 1, TimeSpan.Zero);
    private readonly RunFolder _folder = RunFolder.At(Directory.CreateTempSubdirectory("leapalign-ended-").FullName);

    [Theory]
    [InlineData("1 (x y) Z 0 9", "SIGKILL: killed, perhaps by the system for want of memory")]
    [InlineData("1 (x) Z 0 134", "SIGABRT: it gave itself up")]
    [InlineData("1 (x) Z 0 139", "SIGSEGV: a crash in native code")]
    [InlineData("1 (x) Z 0 1792", "(exit code 7)")]
    [InlineData("1 (x) Z 0 2", "(SIGINT)")]
    [InlineData("1 (x) Z 0 0", "a crash in native code, a kill, or want of memory")]
    [InlineData("", "a crash in native code, a kill, or want of memory")]
    public void How_and_where_it_ended_stand_in_the_record_and_in_the_line(string status, string words)
    {
        Write(RunState.Running, s_began.AddMinutes(1));
        var fault = Give(new(17, "score", "judge", null), status)!;
        Assert.Equal(FaultCodes.EndedWithoutWord, fault.Code);
        Assert.Contains(words, fault.Message, StringComparison.Ordinal);
        Assert.Contains("in the stage 'score' of 'judge', step 17", fault.Message, StringComparison.Ordinal);
        var record = Read();
        Assert.Equal((RunState.Died, fault.ToString(), "known", s_began, s_began.AddHours(1)), (record.State, record.Fault, record.Environment["cores"], record.Started, record.Updated));
    }

    [Theory]
    [InlineData("", 70, "(exit code 70)")]
    [InlineData("1 (x) R 0 0", 70, "(exit code 70)")]
    [InlineData("", 256 + 3, "(exit code 3)")]
    [InlineData("1 (x) Z 0 9", 70, "(SIGKILL: killed")]
    public void Where_whoever_started_it_was_quicker_than_the_witness_its_own_word_of_how_it_exits_counts(string status, int code, string words)
    {
        Write(RunState.Running, s_began.AddMinutes(1));
        Assert.Contains(words, Give(new LastWords(17, "score", "judge", null) { ExitCode = code }, status)!.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Completed")]
    [InlineData("Interrupted")]
    [InlineData("Faulted")]
    public void A_run_that_said_how_it_ended_keeps_that(string state)
    {
        Write(Enum.Parse<RunState>(state), s_began.AddMinutes(1));
        Assert.Null(Give(null, ""));
        Assert.Equal(state, Read().State.ToString());
    }

    [Fact]
    public void What_the_process_before_said_is_no_ending_of_this_one()
    {
        Write(RunState.Interrupted, s_began.AddMinutes(-1), s_began.AddHours(-1));
        Assert.NotNull(Give(new(0, null, null, null), ""));
        Assert.Equal((RunState.Died, s_began, "known"), (Read().State, Read().Started, Read().Environment["cores"]));
    }

    [Theory]
    [InlineData("Running")]
    [InlineData("Completed")]
    public void The_record_of_a_process_that_came_after_is_left_alone(string state)
    {
        Write(Enum.Parse<RunState>(state), s_began.AddMinutes(2), s_began.AddMinutes(1));
        var before = File.ReadAllText(_folder.Record);
        Assert.Contains("step 3", Give(new(3, "score", null, null), "")!.Message, StringComparison.Ordinal);
        Assert.Equal(before, File.ReadAllText(_folder.Record));
    }

    [Fact]
    public void A_run_without_any_record_gets_one()
    {
        _folder.Lock().Value().Dispose();
        Assert.Contains("before the first stage, before the first step", Give(new(0, null, null, null), "")!.Message, StringComparison.Ordinal);
        Assert.Equal(RunState.Died, Read().State);
    }

    [Fact]
    public void A_fault_that_was_printed_is_not_printed_again()
    {
        Write(RunState.Running, s_began.AddMinutes(1));
        Assert.Null(Give(new(3, "score", null, $"{Testimony.FaultMark}LA5012: it hangs"), ""));
        Assert.Equal((RunState.Faulted, "LA5012: it hangs"), (Read().State, Read().Fault));
    }

    [Fact]
    public void An_exception_that_nobody_caught_is_told() =>
        Assert.Contains("it threw InvalidOperationException: no", Give(new(3, "score", null, "it threw InvalidOperationException: no"), "")!.Message, StringComparison.Ordinal);

    [Fact]
    public void A_folder_that_is_gone_stays_gone_and_the_end_is_told()
    {
        Directory.Delete(_folder.Path);
        Assert.Equal(FaultCodes.EndedWithoutWord, Give(null, "")!.Code);
        Assert.False(Directory.Exists(_folder.Path));
        Directory.CreateDirectory(_folder.Path);
    }

    [Fact]
    public void Another_folder_of_the_name_is_left_as_it_is()
    {
        Assert.Equal(FaultCodes.EndedWithoutWord, Give(null, "")!.Code);
        Assert.Empty(Directory.EnumerateFileSystemEntries(_folder.Path));
    }

    [Fact]
    public void A_run_leaves_the_mark_of_its_stages_for_other_processes()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "only Linux has files without a name");
        using var mark = StageMark.Create()!;
        LastWords Seen() => StageMark.Read($"/proc/self/fd/{mark.Descriptor}")!;
        Assert.Equal(new LastWords(0, null, null, null), Seen());
        var stages = new OpenStages();
        stages.Add(mark);
        stages.Begin(7);
        using (stages.Enter("roll"))
        {
            using (stages.Enter("velocity")) Assert.Equal("velocity", Seen().Stage);
            Assert.Equal("roll", Seen().Stage);
        }
        // Between stages the last one stays.
        Assert.Equal(new LastWords(7, "roll", null, null), Seen());
        mark.Entered(Stage.Score(new RewardPlan(new PartPlan(null!, new object(), "judge", new SourcePlace("test")), RewardRole.Train, 1)));
        mark.Say(new string('é', 5000));
        Assert.Equal(("score", "judge"), (Seen().Stage, Seen().Part));
        Assert.Matches("^é{1000,}$", Seen().Words!);
        Assert.Null(Seen().ExitCode);
        mark.Exit(0);
        Assert.Equal(0, Seen().ExitCode);
        mark.Exit(70);
        Assert.Equal((70, 'é'), (Seen().ExitCode, Seen().Words![^1]));
    }

    [Fact]
    public void A_run_that_says_it_is_running_in_a_folder_that_nobody_holds_has_died()
    {
        File.WriteAllText(_folder.Resolved, "{}");
        File.WriteAllText(_folder.Metrics, "");
        Write(RunState.Running, s_began);
        using (_folder.Lock().Value()) Assert.Equal((RunState.Running, false), (RunReader.Read(_folder).Value().Record!.State, _folder.IsLeft));
        Assert.Equal((RunState.Died, true), (RunReader.Read(_folder).Value().Record!.State, _folder.IsLeft));
        Write(RunState.Completed, s_began);
        Assert.Equal(RunState.Completed, RunReader.Read(_folder).Value().Record!.State);
    }

    [Theory]
    [InlineData("[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes.\nmore")]
    [InlineData("CUDA out of memory. Tried to allocate 2.00 GiB")]
    [InlineData("std::bad_alloc")]
    public void Memory_that_is_not_there_is_told_from_other_mistakes(string words)
    {
#pragma warning disable CA2201 // They are what the runtime and TorchSharp throw.
        var fault = MemoryShortage.Of(new InvalidOperationException("outside", new System.Runtime.InteropServices.ExternalException(words)), "the stage 'backward' of step 3")!;
        Assert.Equal(FaultCodes.OutOfMemory, fault.Code);
        Assert.Equal($"the stage 'backward' of step 3 ran out of memory: {words.Split('\n')[0]}", fault.Message);
        Assert.NotNull(MemoryShortage.Of(new OutOfMemoryException(), "it"));
#pragma warning restore CA2201
        Assert.Null(MemoryShortage.Of(new InvalidOperationException("not today"), "it"));
    }

    public void Dispose() => Directory.Delete(_folder.Path, recursive: true);

    private Fault? Give(LastWords? last, string status) => Testimony.Give(_folder, s_began, last, status, s_began.AddHours(1));

    private void Write(RunState state, DateTimeOffset when, DateTimeOffset? started = null) =>
        File.WriteAllBytes(_folder.Record, new RunRecord("0", started ?? s_began, when, state, null, new Dictionary<string, string> { ["cores"] = "known" }, []).ToJson());

    private RunRecord Read() => JsonSerializer.Deserialize(File.ReadAllText(_folder.Record), RunRecordJson.Default.RunRecord)!;
}
