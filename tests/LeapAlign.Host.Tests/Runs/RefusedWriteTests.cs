using System.Text.Json.Nodes;
using LeapAlign.Host.Checkpoints;
using LeapAlign.Host.Commands;
using LeapAlign.Host.Configuration.Sections;
using LeapAlign.Host.Runs.Folders;
using LeapAlign.Pipeline;
using LeapAlign.Testing;

namespace LeapAlign.Host.Tests.Runs;

/// <summary>A disk that refuses a checkpoint in the middle of a run: what was trained is kept where there is room, and what could not be kept is said.</summary>
public sealed class RefusedWriteTests : IDisposable
{
    private readonly SmallRun _run = new() { Steps = 8, Checkpoint = new CheckpointSettings { Every = 2 } };
    private int _step;

    public RefusedWriteTests() => _run.Step = step => _step = step;

    public void Dispose() => _run.Dispose();

    [Fact]
    public void Without_room_for_a_checkpoint_the_weights_are_exported_and_the_last_valid_one_stays()
    {
        Refuse(static step => step >= 4);
        var fault = _run.Train().Fault(FaultCodes.CannotWrite, "step-000004", "No space left", $"; the weights after step {_step + 1} are exported to {Export}; ", $"when the cause is gone, 'leapalign train --resume {_run.RunFolder}' goes on from step 2, the newest valid checkpoint");
        Assert.Equal(6, fault.ExitCode);
        Assert.InRange(_step + 1, 5, 6);
        Assert.Equal([2], new CheckpointStore(Path.Combine(_run.RunFolder, "checkpoints")).Steps());
        Assert.True(File.Exists(Path.Combine(Export, "model")));
        Assert.Equal(("Faulted", fault.ToString()), ((string)_run.Record["state"]!, (string)_run.Record["fault"]!));
        GoesOn();
    }

    [Fact]
    public void A_checkpoint_that_finds_room_when_the_run_ends_keeps_the_state_and_nothing_is_exported()
    {
        Refuse(static step => step == 4);
        _run.Train().Fault(FaultCodes.CannotWrite, "step-000004", $"; the state after step {_step + 1} is kept, and when the cause is gone, 'leapalign train --resume {_run.RunFolder}' goes on from step {_step + 1}");
        Assert.False(Path.Exists(Export));
        GoesOn();
    }

    [Fact]
    public void Without_room_for_the_export_either_what_is_missing_is_said_in_numbers()
    {
        Refuse(static step => step >= 4);
        _run.Check = () => Result.Ok<long?>(_step < 4 ? 4 : long.MaxValue / 4);
        _run.Export = static (_, _) => throw new InvalidOperationException("it does not fit");
        _run.Train().Fault(FaultCodes.CannotWrite, $"; the weights after step {_step + 1} are lost, since the export failed, too: the export takes 2305843009213.7 MB, but the disk of this folder has ", " MB free; ", "goes on from step 2");
        Assert.False(Path.Exists(Export));
        GoesOn();
    }

    [Fact]
    public void An_export_that_the_disk_refuses_after_all_is_said_too()
    {
        Refuse(static step => step >= 4);
        _run.Export = static (folder, _) => new Fault.Run(FaultCodes.CannotWrite, "cannot be written: No space left on device", new SourcePlace(folder));
        _run.Train().Fault(FaultCodes.CannotWrite, "are lost, since the export failed, too: cannot be written: No space left on device; ", "goes on from step 2");
    }

    [Fact]
    public void Without_any_valid_checkpoint_that_is_said()
    {
        Refuse(static _ => true);
        _run.Train().Fault(FaultCodes.CannotWrite, "step-000002", "are exported to", "; there is no valid checkpoint to go on from");
    }

    [Fact]
    public void A_run_that_did_all_its_steps_exports_and_names_the_checkpoint_only_where_that_fails()
    {
        _run.Steps = 4;
        Refuse(static step => step >= 4);
        var exported = _run.Train().Fault(FaultCodes.CannotWrite, $"; the trained weights are exported to {Export}");
        Assert.DoesNotContain("--resume", exported.Message, StringComparison.Ordinal);
        _run.Force = true;
        _run.Export = static (folder, _) => new Fault.Run(FaultCodes.CannotWrite, "cannot be written: No space left on device", new SourcePlace(folder));
        _run.Train().Fault(FaultCodes.CannotWrite, "; the export failed, too: cannot be written: No space left on device; when the cause is gone, ", "goes on from step 2");
    }

    [Fact]
    public void What_the_disk_refuses_before_anything_was_trained_leaves_nothing_to_export()
    {
        _run.Evaluates = 4;
        RefuseFile("step-0000.png");
        var fault = _run.Train().Fault(FaultCodes.CannotWrite, "step-0000.png");
        Assert.EndsWith("No space left on device", fault.Message, StringComparison.Ordinal);
        Assert.False(Path.Exists(Export));
    }

    /// <summary>Whatever of an evaluation cannot be written, who goes on has it once: its line, its pictures and its grid.</summary>
    [Theory]
    [InlineData("00.png")]
    [InlineData("step-0004.png")]
    public void An_evaluation_that_could_not_be_written_is_done_again(string file)
    {
        _run.Evaluates = 4;
        _run.Checkpoint = new CheckpointSettings { Every = 0 };
        RefuseFile(Path.Combine("step-0004", file), Path.Combine("samples", file));
        _run.Train().Fault(FaultCodes.CannotWrite, file, "; the state after step 4 is kept, and ");
        GoesOn(0, 1, 2, 3, 4, 4, 5, 6, 7, 8, 8);
        Assert.True(File.Exists(Path.Combine(_run.RunFolder, "samples", "step-0004.png")));
    }

    private void RefuseFile(params string[] files) => _run.Disk = new WatchedDisk(path =>
    {
        if (files.Any(file => path.EndsWith($"{file}.partial", StringComparison.Ordinal))) throw new IOException("No space left on device");
    });

    private string Export => Path.Combine(_run.RunFolder, "export");

    // Of checkpoints alone, by their step; the folder of one that is refused may be made.
    private void Refuse(Func<int, bool> which) => _run.Disk = new WatchedDisk(path =>
    {
        if (path.EndsWith("policy.safetensors.partial", StringComparison.Ordinal) && Path.GetFileName(Path.GetDirectoryName(path))!.Split('-', '.') is [_, _, var step, ..] && which(int.Parse(step, null)))
            throw new IOException("No space left on device");
    });

    private void GoesOn(params int[] lines)
    {
        (_run.Disk, _run.Check, _run.Step) = (new WatchedDisk(), static () => Result.Ok<long?>(4), static _ => { });
        _run.Export = static (folder, _) =>
        {
            Directory.CreateDirectory(folder);
            return Unit.Value;
        };
        Assert.Equal(Completion.Whole, _run.Train(new ResumeOptions(RunFolder.At(_run.RunFolder), [])).Value());
        Assert.Equal(lines.Length == 0 ? [1, 2, 3, 4, 5, 6, 7, 8] : lines, File.ReadLines(Path.Combine(_run.RunFolder, "metrics.jsonl")).Select(static line => (int)JsonNode.Parse(line)!["step"]!));
    }
}
