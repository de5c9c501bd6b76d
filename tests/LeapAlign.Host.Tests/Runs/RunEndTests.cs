using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.State;
using LeapAlign.Host.Checkpoints;
using LeapAlign.Host.Commands;
using LeapAlign.Host.Configuration.Sections;
using LeapAlign.Host.Runs.Endings;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Host.Tests.Runs;

/// <summary>The end of a run: rehearsed before its first step; and what was trained is kept when it fails all the same.</summary>
public sealed class RunEndTests : IDisposable
{
    private readonly SmallRun _run = new();
    private int _steps;

    public RunEndTests() => _run.Step = _ => _steps++;

    public void Dispose() => _run.Dispose();

    [Fact]
    public void A_run_that_ends_well_says_so()
    {
        _run.Train().Value();
        Assert.Equal("Completed", (string)_run.Record["state"]!);
        Assert.True(File.Exists(Path.Combine(_run.RunFolder, "export", "model")));
        Assert.Equal(2, _steps);
    }

    [Fact]
    public void A_model_that_could_not_export_is_refused_before_the_first_step_and_leaves_nothing_behind()
    {
        _run.Check = () => new Fault.Input(FaultCodes.ModelNotFound, "the tokenizer is a pipe", new SourcePlace("there"));
        _run.Train().Fault(FaultCodes.ModelNotFound, "the tokenizer is a pipe");
        _run.Check = () => throw new FormatException("odd");
        _run.Train().Fault(FaultCodes.ExportThrew, "check of its export threw FormatException: odd");
        Assert.Equal(0, _steps);
        Assert.False(Directory.Exists(_run.RunFolder));
    }

    [Fact]
    public void A_model_that_cannot_tell_exports_once_before_the_first_step()
    {
        var export = _run.Export;
        List<(string Folder, int Steps)> exports = [];
        _run.Check = static () => Result.Ok<long?>(null);
        _run.Export = (folder, weights) =>
        {
            exports.Add((folder, _steps));
            return export(folder, weights);
        };
        _run.Train().Value();
        Assert.Equal([0, 2], exports.Select(static one => one.Steps));
        Assert.Equal(Path.Combine(_run.RunFolder, "export"), exports[1].Folder);
        Assert.Equal([_run.RunFolder], Directory.GetFileSystemEntries(Path.Combine(_run.Folder, "runs")));

        _run.Force = true;
        _run.Export = static (folder, _) =>
        {
            Directory.CreateDirectory(folder);
            throw new NotSupportedException("not yet");
        };
        _run.Train().Fault(FaultCodes.ExportThrew, "export threw NotSupportedException: not yet");
        Assert.Equal(2, _steps);
        Assert.Equal([_run.RunFolder], Directory.GetFileSystemEntries(Path.Combine(_run.Folder, "runs")));
    }

    [Fact]
    public void A_part_whose_state_cannot_be_saved_is_named_before_the_first_step()
    {
        _run.Save = static () => throw new NotSupportedException("no state");
        _run.Train().Fault(FaultCodes.StateMismatch, "the state of 'algorithm' cannot be saved", "NotSupportedException: no state");
        using var complex = zeros(1, dtype: ScalarType.ComplexFloat32);
        _run.Force = true;
        _run.Save = () => new PartState(1, [new NamedTensor("phase", complex)]);
        _run.Train().Fault(FaultCodes.StateMismatch, "'algorithm'", "phase");
        Assert.Equal(0, _steps);
        Assert.Equal("Faulted", (string)_run.Record["state"]!);
    }

    [Fact]
    public void A_name_that_no_folder_can_have_is_refused()
    {
        foreach (var name in new[] { "", "..", "a/b", "a\0b" })
        {
            _run.Name = name;
            _run.Train().Fault(FaultCodes.UnknownValue, "run.name");
        }
    }

    [Fact]
    public void A_file_in_the_way_of_the_export_of_a_resumed_run_is_found_before_its_first_step()
    {
        _run.Train().Value();
        _run.Steps = 4;
        var export = Path.Combine(_run.RunFolder, "export");
        Directory.Delete(export, recursive: true);
        File.WriteAllText(export, "mine");
        _run.Train(new ResumeOptions(Host.Runs.Folders.RunFolder.At(_run.RunFolder), [])).Fault(FaultCodes.CannotWrite, export, "in the way");
        Assert.Equal(2, _steps);
        Assert.Equal("mine", File.ReadAllText(export));
        File.Delete(export);
        _run.Train(new ResumeOptions(Host.Runs.Folders.RunFolder.At(_run.RunFolder), [])).Value();
        Assert.Equal(4, _steps);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    public void An_export_that_fails_all_the_same_leaves_a_checkpoint_and_says_how_to_export_it(int every)
    {
        _run.Checkpoint = new CheckpointSettings { Every = every };
        _run.Export = static (folder, _) => new Fault.Run(FaultCodes.CannotWrite, "cannot be written: No space left on device", new SourcePlace(folder));
        var fault = _run.Train().Fault(FaultCodes.CannotWrite, "No space left", $"leapalign checkpoint export {_run.RunFolder} --step 2", Path.Combine(_run.RunFolder, "checkpoints", "step-000002"));
        Assert.Equal(("Faulted", fault.ToString()), ((string)_run.Record["state"]!, (string)_run.Record["fault"]!));
        var kept = new CheckpointStore(Path.Combine(_run.RunFolder, "checkpoints")).Open(2).Value();
        kept.With("average", static state => Result.Ok(Assert.Single(state.Tensors).Value.item<float>())).Value();
        Assert.False(Directory.Exists(Path.Combine(_run.RunFolder, "export")));
    }

    [Fact]
    public void An_export_that_throws_all_the_same_is_such_a_fault()
    {
        _run.Export = static (_, _) => throw new InvalidOperationException("no\nmore");
        _run.Train().Fault(FaultCodes.ExportThrew, "export threw InvalidOperationException: no more;", "--step 2");
        Assert.Equal("Faulted", (string)_run.Record["state"]!);
    }

    [Fact]
    public void A_last_checkpoint_that_fails_does_not_keep_the_export_from_being_written()
    {
        _run.Step = step =>
        {
            // In the way of the folder of checkpoints, which is made with the first.
            if (step == 1) File.WriteAllText(Path.Combine(_run.RunFolder, "checkpoints"), "");
        };
        _run.Train().Fault(FaultCodes.CannotWrite, "checkpoints", $"the trained weights are exported to {Path.Combine(_run.RunFolder, "export")}");
        Assert.True(File.Exists(Path.Combine(_run.RunFolder, "export", "model")));
        Assert.Equal("Faulted", (string)_run.Record["state"]!);
    }

    [Fact]
    public void Whoever_asks_for_a_stop_in_the_last_step_stops_nothing()
    {
        using var stop = new CancellationTokenSource();
        _run.Step = step =>
        {
            if (step == 1) stop.Cancel();
        };
        Assert.Equal(Completion.Whole, _run.Train(stop: stop.Token).Value());
        Assert.Equal("Completed", (string)_run.Record["state"]!);
    }

    [Fact]
    public void A_stop_before_that_is_an_interruption()
    {
        using var stop = new CancellationTokenSource();
        _run.Step = _ => stop.Cancel();
        Assert.Equal(Completion.Interrupted, _run.Train(stop: stop.Token).Value());
        Assert.Equal("Interrupted", (string)_run.Record["state"]!);
    }

    [Theory]
    [InlineData("Died", "LA5015 the process of the run ended without a word (SIGKILL), in the stage 'score' of 'judge', step 2", "the process before this one died: LA5015 the process of the run ended without a word (SIGKILL), in the stage 'score' of 'judge', step 2")]
    [InlineData("Died", null, "the process before this one died: how is not known")]
    [InlineData("Running", null, "the process before this one died: run.json says that it goes on")]
    [InlineData("Interrupted", null, null)]
    [InlineData("Faulted", "LA5003 the loss is NaN", null)]
    public void Who_goes_on_with_a_run_that_died_is_told_where(string state, string? fault, string? line)
    {
        _run.Train().Value();
        var record = _run.Record;
        (record["state"], record["fault"]) = (state, fault);
        File.WriteAllText(Path.Combine(_run.RunFolder, "run.json"), record.ToJsonString());
        Assert.DoesNotContain("died", _run.Output, StringComparison.Ordinal);
        _run.Train(new ResumeOptions(Host.Runs.Folders.RunFolder.At(_run.RunFolder), [])).Value();
        var told = Assert.Single(_run.Output.Split('\n'), static text => text.Contains(", resumed from step-000002", StringComparison.Ordinal));
        if (line is null) Assert.DoesNotContain("died", _run.Output, StringComparison.Ordinal);
        else Assert.Contains($"{told}\n{line}", _run.Output, StringComparison.Ordinal);
        Assert.Equal("Completed", (string)_run.Record["state"]!);
    }

    [Fact]
    public void A_folder_of_a_run_may_be_named_with_a_slash_behind_it()
    {
        _run.Train().Value();
        Assert.Equal((_run.RunFolder, "small"), (Host.Runs.Folders.RunFolder.Open($"{_run.RunFolder}/").Value().Path, Host.Runs.Folders.RunFolder.Open($"{_run.RunFolder}/").Value().Name));
    }

    [Fact]
    public void What_nobody_expected_goes_on_to_the_command_line_and_leaves_a_record_that_is_true()
    {
        _run.Begins = static () => throw new InvalidTimeZoneException("nowhere");
        Assert.Throws<InvalidTimeZoneException>(() => _run.Train());
        Assert.Equal(("Faulted", "InvalidTimeZoneException: nowhere"), ((string)_run.Record["state"]!, (string)_run.Record["fault"]!));
    }

    [Theory]
    [InlineData(100, 0, 0, 99, true, false)]
    [InlineData(100, 0, 0, 100, false, false)]
    [InlineData(100, 50, 4, 149, true, false)]
    [InlineData(100, 50, 4, 150, false, true)]
    [InlineData(100, 50, 4, 499, false, true)]
    [InlineData(100, 50, 4, 500, false, false)]
    public void Room_for_export_and_one_checkpoint_is_needed_and_room_for_all_is_wished_for(long export, long checkpoint, int kept, long free, bool ends, bool warns)
    {
        var judged = new DiskRoom(export, checkpoint, kept).Judge(free, "/runs/small");
        Assert.Equal(ends, !judged.IsOk);
        if (ends) judged.Fault(FaultCodes.NoRoom, "/runs/small", "the export takes 0.0 MB");
        else Assert.Equal(warns ? FaultCodes.NoRoom : null, judged.Value()?.Code);
    }

    [Fact]
    public void A_run_that_does_not_fit_on_its_disk_does_not_begin()
    {
        Assert.NotNull(DiskRoom.Free(_run.RunFolder));
        _run.Check = static () => Result.Ok<long?>(long.MaxValue / 4);
        _run.Train().Fault(FaultCodes.NoRoom, _run.RunFolder, "free");
        Assert.False(Directory.Exists(_run.RunFolder));
    }
}
