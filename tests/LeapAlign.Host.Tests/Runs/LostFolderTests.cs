using System.Text.Json.Nodes;
using LeapAlign.Host.Checkpoints;
using LeapAlign.Host.Commands;
using LeapAlign.Host.Configuration.Sections;
using LeapAlign.Host.Runs.Folders;
using LeapAlign.Pipeline;
using LeapAlign.Storage.Disks;
using LeapAlign.Testing;

namespace LeapAlign.Host.Tests.Runs;

/// <summary>Run folders that are moved, removed or emptied while the run goes on: nothing is made at the old place, and what was trained is kept.</summary>
public sealed class LostFolderTests : IDisposable
{
    private readonly SmallRun _run = new() { Steps = 4, Checkpoint = new CheckpointSettings { Every = 1 } };

    public LostFolderTests() => Assert.SkipUnless(OperatingSystem.IsLinux(), "only Linux tells where an open folder is");

    public void Dispose() => _run.Dispose();

    [Fact]
    public void A_folder_that_is_moved_ends_the_run_there_and_the_run_goes_on_from_there()
    {
        At(1, () => Directory.Move(_run.RunFolder, Other));
        var fault = _run.Train().Fault(FaultCodes.RunFolderLost, _run.RunFolder, $"moved to {Other} while", "state after step 2 is there", $"'leapalign train --resume {Other}'");
        Assert.Equal(6, fault.ExitCode);
        Assert.False(Path.Exists(_run.RunFolder));
        Assert.Equal(("Faulted", fault.ToString()), ((string)Record(Other)["state"]!, (string)Record(Other)["fault"]!));
        GoesOn(Other, from: 2);
    }

    [Fact]
    public void A_folder_above_that_is_moved_takes_the_run_with_it()
    {
        var (runs, moved) = (Path.Combine(_run.Folder, "runs"), Path.Combine(_run.Folder, "moved"));
        At(1, () => Directory.Move(runs, moved));
        _run.Train().Fault(FaultCodes.RunFolderLost, $"moved to {Path.Combine(moved, "small")} while");
        Assert.False(Path.Exists(runs));
        GoesOn(Path.Combine(moved, "small"), from: 2);
    }

    [Fact]
    public void A_folder_that_is_removed_stays_removed_and_the_state_is_kept_beside_it()
    {
        At(1, () => Remove(_run.RunFolder));
        var fault = _run.Train().Fault(FaultCodes.RunFolderLost, "was removed while the run went on; what lay in it is lost", $"state after step 2 and its metrics are kept in {Rescued}", $"'leapalign train --resume {Rescued}'");
        Assert.False(Path.Exists(_run.RunFolder));
        Assert.Equal(("Faulted", fault.ToString()), ((string)Record(Rescued)["state"]!, (string)Record(Rescued)["fault"]!));
        GoesOn(Rescued, from: 2);
    }

    [Fact]
    public void Another_folder_of_the_name_is_left_as_it_is()
    {
        At(1, () =>
        {
            Remove(_run.RunFolder);
            Directory.CreateDirectory(_run.RunFolder);
            File.WriteAllText(Path.Combine(_run.RunFolder, "mine"), "keep");
        });
        _run.Train().Fault(FaultCodes.RunFolderLost, "was removed while the run went on, and another has its name", Rescued);
        Assert.Equal(["mine"], Directory.EnumerateFileSystemEntries(_run.RunFolder).Select(Path.GetFileName));
        GoesOn(Rescued, from: 2);
    }

    [Fact]
    public void A_folder_that_was_emptied_is_left_empty()
    {
        At(1, () =>
        {
            foreach (var entry in Directory.EnumerateFileSystemEntries(_run.RunFolder)) SystemDisk.Instance.Delete(entry);
        });
        _run.Train().Fault(FaultCodes.RunFolderLost, "was emptied while the run went on: its metrics.jsonl is not the one", Rescued);
        Assert.Empty(Directory.EnumerateFileSystemEntries(_run.RunFolder));
        GoesOn(Rescued, from: 2);
    }

    [Fact]
    public void Where_the_folder_of_runs_is_gone_too_the_state_is_kept_in_the_nearest_that_is_there()
    {
        At(1, () => Remove(Path.Combine(_run.Folder, "runs")));
        var rescued = Path.Combine(_run.Folder, "small-rescued");
        _run.Train().Fault(FaultCodes.RunFolderLost, rescued);
        Assert.False(Path.Exists(Path.Combine(_run.Folder, "runs")));
        GoesOn(rescued, from: 2);
    }

    [Fact]
    public void A_folder_that_goes_before_the_end_is_missed_at_the_end()
    {
        At(3, () => Directory.Move(_run.RunFolder, Other));
        _run.Train().Fault(FaultCodes.RunFolderLost, "state after step 4 is there");
        Assert.False(Path.Exists(_run.RunFolder));
        GoesOn(Other, from: 4);
    }

    [Fact]
    public void A_folder_that_goes_while_the_export_is_written_is_missed_then()
    {
        var export = _run.Export;
        _run.Export = (folder, _) =>
        {
            Directory.Move(_run.RunFolder, Other);
            return new Fault.Run(FaultCodes.CannotWrite, "cannot be written: it is not there", new SourcePlace(folder));
        };
        _run.Train().Fault(FaultCodes.RunFolderLost, $"moved to {Other} while", "state after step 4 is there");
        Assert.False(Path.Exists(_run.RunFolder));
        _run.Export = export;
        GoesOn(Other, from: 4);
    }

    [Theory]
    [InlineData("step-000002")]
    [InlineData("policy")]
    [InlineData("manifest.json")]
    public void A_folder_that_goes_while_a_checkpoint_is_written_is_missed_then(string when)
    {
        var moved = 0;
        _run.Disk = new WatchedDisk(path =>
        {
            if (path.Contains("step-000002", StringComparison.Ordinal) && path.Contains(when, StringComparison.Ordinal) && Interlocked.Exchange(ref moved, 1) == 0) Directory.Move(_run.RunFolder, Other);
        });
        _run.Train().Fault(FaultCodes.RunFolderLost, $"moved to {Other} while");
        Assert.False(Path.Exists(_run.RunFolder));
        // What was being written took the folder's new place with it, and is overwritten there.
        GoesOn(Other);
    }

    [Fact]
    public void A_link_on_the_way_that_leads_elsewhere_is_such_a_move()
    {
        var (runs, first) = (Path.Combine(_run.Folder, "runs"), Path.Combine(_run.Folder, "first"));
        Directory.CreateDirectory(first);
        Directory.CreateSymbolicLink(runs, first);
        At(1, () =>
        {
            Directory.Delete(runs);
            Directory.CreateSymbolicLink(runs, Directory.CreateDirectory(Path.Combine(_run.Folder, "second")).FullName);
        });
        _run.Train().Fault(FaultCodes.RunFolderLost, $"moved to {Path.Combine(first, "small")} while");
        Assert.Empty(Directory.EnumerateFileSystemEntries(Path.Combine(_run.Folder, "second")));
        GoesOn(Path.Combine(first, "small"), from: 2);
    }

    [Fact]
    public void What_ended_the_run_stays_the_cause_and_the_state_is_kept_all_the_same()
    {
        At(2, () =>
        {
            Remove(_run.RunFolder);
            throw new InvalidOperationException("not today");
        });
        _run.Train().Fault(FaultCodes.StepThrew, "not today", "; the folder of the run was removed", $"state after step 2 and its metrics are kept in {Rescued}");
        GoesOn(Rescued, from: 2);
    }

    [Fact]
    public void A_state_that_cannot_be_kept_is_said_to_be_lost()
    {
        _run.Disk = new WatchedDisk(static path =>
        {
            if (path.Contains("-rescued", StringComparison.Ordinal)) throw new IOException("No space left on device");
        });
        At(1, () => Remove(_run.RunFolder));
        _run.Train().Fault(FaultCodes.RunFolderLost, "what lay in it is lost, and its state after step 2, too: cannot be written: No space left");
        Assert.Empty(Directory.EnumerateFileSystemEntries(Path.Combine(_run.Folder, "runs")));
    }

    [Fact]
    public void A_folder_that_goes_while_an_evaluation_draws_is_missed_before_its_pictures_are_written()
    {
        var drawn = 0;
        _run.Evaluates = 1;
        _run.Checkpoint = new CheckpointSettings { Every = -1 };
        _run.Decode = latents =>
        {
            // The first is of the weights before training.
            if (++drawn == 2) Directory.Move(_run.RunFolder, Other);
            return TorchSharp.torch.zeros(latents.shape[0], 3, 8, 8);
        };
        _run.Train().Fault(FaultCodes.RunFolderLost, $"moved to {Other} while", "state after step 1 is there");
        Assert.False(Path.Exists(_run.RunFolder));
        Assert.Equal(["step-0000"], Directory.EnumerateDirectories(Path.Combine(Other, "samples")).Select(Path.GetFileName));
    }

    [Fact]
    public void A_folder_that_goes_before_anything_was_trained_leaves_nothing()
    {
        _run.Begins = () => Remove(_run.RunFolder);
        _run.Train().Fault(FaultCodes.RunFolderLost, "nothing was trained so far");
        Assert.Empty(Directory.EnumerateFileSystemEntries(Path.Combine(_run.Folder, "runs")));
    }

    [Fact]
    public void A_run_without_checkpoints_is_kept_too()
    {
        _run.Checkpoint = new CheckpointSettings { Every = -1 };
        At(1, () => Remove(_run.RunFolder));
        _run.Train().Fault(FaultCodes.RunFolderLost, Rescued);
        GoesOn(Rescued, from: 2);
    }

    private string Other => Path.Combine(_run.Folder, "runs", "other");

    private string Rescued => Path.Combine(_run.Folder, "runs", "small-rescued");

    private void At(int step, Action action) => _run.Step = index =>
    {
        if (index == step) action();
    };

    // The run writes a checkpoint meanwhile: what it makes in a folder that was just looked through is removed in the next look.
    private static void Remove(string folder)
    {
        while (Directory.Exists(folder))
        {
            try
            {
                Directory.Delete(folder, recursive: true);
            }
            catch (IOException)
            {
                Thread.Yield();
            }
        }
    }

    private static JsonNode Record(string folder) => JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "run.json")))!;

    // To the end, with every line once, and all as in a run that nobody disturbed.
    private void GoesOn(string folder, int? from = null)
    {
        var newest = new CheckpointStore(Path.Combine(folder, "checkpoints")).Newest(static fault => Assert.Fail(fault.ToString())).Value();
        if (from is not null) Assert.Equal(from, newest.Step);
        _run.Disk = SystemDisk.Instance;
        _run.Step = static _ => { };
        _run.Begins = static () => { };
        Assert.Equal(Completion.Whole, _run.Train(new ResumeOptions(RunFolder.At(folder), [])).Value());
        Assert.Equal("Completed", (string)Record(folder)["state"]!);
        Assert.True(File.Exists(Path.Combine(folder, "export", "model")));
        Assert.True(File.Exists(Path.Combine(folder, "report.html")));
        Assert.Equal([1, 2, 3, 4], File.ReadLines(Path.Combine(folder, "metrics.jsonl")).Select(static line => (int)JsonNode.Parse(line)!["step"]!));
    }
}
