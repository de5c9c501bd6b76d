using System.Globalization;
using LeapAlign.Host.Composition;
using LeapAlign.Host.Kernel.Stages;
using LeapAlign.Host.Runs.Endings;
using LeapAlign.Host.Runs.Folders;
using LeapAlign.Pipeline;
using LeapAlign.Testing;

namespace LeapAlign.Host.Tests;

/// <summary>The shell that outlives a run: what it begins when the pipe ends, in place of this program a script that notes what it was told.</summary>
public sealed class WitnessTests : IDisposable
{
    private static readonly DateTimeOffset s_began = new(2026, 5, 4, 3, 2, 1, TimeSpan.Zero);
    private readonly string _folder = Directory.CreateTempSubdirectory("leapalign-witness-").FullName;

    [Fact]
    public void Told_that_the_run_has_ended_it_goes_without_a_word()
    {
        using (var witness = Begin()) witness.End();
        // Disposing waits for the shell, or for what it has become.
        Assert.False(File.Exists(Said));
    }

    [Fact]
    public void Told_twice_it_goes_all_the_same()
    {
        using (var witness = Begin())
        {
            witness.End();
            witness.End();
        }
        Assert.False(File.Exists(Said));
    }

    [Fact]
    public void Told_nothing_it_has_its_testimony_given_with_all_it_was_told_before()
    {
        using (var witness = Begin()) witness.Stage!.Entered(Stage.Score(new RewardPlan(new PartPlan(null!, new object(), "judge", new SourcePlace("test")), RewardRole.Train, 1)));
        var told = Testified();
        Assert.Equal(Witness.Argument, told["arguments"]);
        Assert.Equal(_folder, told[Witness.Folder]);
        Assert.Equal(s_began, DateTimeOffset.Parse(told[Witness.Started], CultureInfo.InvariantCulture));
        Assert.Equal($"{Environment.ProcessId}", told[Witness.Process]);
        Assert.StartsWith($"{Environment.ProcessId} (", told[Witness.Status], StringComparison.Ordinal);
        Assert.Equal(("score", "judge"), (Mark().Stage, Mark().Part));
        Assert.Null(Mark().Words);
    }

    [Fact]
    public void A_fault_that_ends_the_process_reaches_the_testimony()
    {
        var fault = new Fault.Run(FaultCodes.StepHangs, "the stage 'roll' has taken 5 s");
        using (var witness = Begin()) witness.Fail(fault);
        Assert.Equal(_folder, Testified()[Witness.Folder]);
        Assert.Equal($"{Testimony.FaultMark}{fault}", Mark().Words);
    }

    [Fact]
    public void Its_variables_make_a_process_give_testimony_and_the_argument_alone_does_not()
    {
        Assert.False(Witness.Is([Witness.Argument]));
        Assert.False(Witness.Is(["train"]));
    }

    public void Dispose() => Repository.DeleteFolder(_folder);

    private string Said => Path.Combine(_folder, "said");

    private Witness Begin()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "the witness reads how a process ended from /proc");
        var script = Path.Combine(_folder, "program");
        File.WriteAllText(script, $"#!/bin/sh\ncat \"${Witness.Mark}\" > '{Said}.mark'\n{{ echo \"arguments=$*\"; env; }} > '{Said}.part'\nmv '{Said}.part' '{Said}'\n");
        if (OperatingSystem.IsLinux()) File.SetUnixFileMode(script, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        return Witness.Begin(RunFolder.At(_folder), s_began, script, static fault => Assert.Fail(fault.ToString()))!;
    }

    private Dictionary<string, string> Testified()
    {
        Assert.True(SpinWait.SpinUntil(() => File.Exists(Said), TimeSpan.FromSeconds(60)), "nobody testified");
        return File.ReadAllLines(Said).Select(static line => line.Split('=', 2)).Where(static pair => pair.Length == 2).GroupBy(static pair => pair[0]).ToDictionary(static group => group.Key, static group => group.First()[1]);
    }

    private LastWords Mark() => StageMark.Read($"{Said}.mark")!;
}
