using LeapAlign.Contracts.State;
using LeapAlign.Host.Checkpoints;
using LeapAlign.Pipeline;
using LeapAlign.Testing;
using static TorchSharp.torch;

namespace LeapAlign.Host.Tests.Checkpoints;

/// <summary>Checkpoints on a disk that crashes, refuses and rots.</summary>
public sealed class CheckpointStoreTests : IDisposable
{
    private readonly SmallCheckpoint _small = new();

    [Theory]
    [InlineData(1)]
    [InlineData(long.MaxValue)]
    public void What_was_written_is_read(long shardBytes)
    {
        using var scope = NewDisposeScope();
        var store = new CheckpointStore(_small.Folder) { ShardBytes = shardBytes };
        var bytes = store.Write(SmallCheckpoint.Manifest(4), SmallCheckpoint.States(4)).Value();
        var checkpoint = store.Open(4).Value();
        Assert.Equal(bytes, checkpoint.Bytes);
        SmallCheckpoint.AssertWhole(checkpoint);
        Assert.Equal(shardBytes == 1, checkpoint.Manifest.Files.ContainsKey("policy.safetensors.index.json"));
    }

    /// <summary>What has the name of the checkpoint that is written.</summary>
    public enum Before
    {
        Nothing,
        Damaged,
        Whole,
    }

    [Theory]
    [InlineData(Before.Nothing)]
    [InlineData(Before.Damaged)]
    [InlineData(Before.Whole)]
    public void At_whatever_call_trouble_comes_the_newest_valid_checkpoint_is_found(Before before)
    {
        using var scope = NewDisposeScope();
        var counting = Write(int.MaxValue, default, before);
        // Every create, write, flush, rename, delete and folder flush of three files in two forms, a manifest and a folder.
        Assert.True(counting > 25, $"{counting} calls");
        foreach (var trouble in Enum.GetValues<Trouble>())
        {
            for (var at = 0; at < counting; at++) Write(at, trouble, before);
        }

        // Writes step 2 behind step 1 and looks what is left.
        static int Write(int at, Trouble trouble, Before before)
        {
            using var small = new SmallCheckpoint();
            small.Write(1);
            if (before != Before.Nothing) small.Write(2);
            if (before == Before.Damaged) File.AppendAllText(Path.Combine(small.Store.PathOf(2), "policy.safetensors"), "x");
            var disk = new CrashingDisk(at, trouble);
            var written = false;
            try
            {
                written = new CheckpointStore(small.Folder, disk) { ShardBytes = 20 }.Write(SmallCheckpoint.Manifest(2), SmallCheckpoint.States(2)).IsOk;
            }
            catch (CrashException)
            {
            }
            if (written) disk.PowerOff();
            List<Fault> skipped = [];
            var newest = small.Store.Newest(skipped.Add).Value();
            if (before != Before.Damaged) Assert.Empty(skipped);
            Assert.True(written ? newest.Step == 2 : newest.Step is 1 or 2, $"call {at} ({trouble}): step {newest.Step}");
            SmallCheckpoint.AssertWhole(newest);
            // The next write is not in the way of what was left.
            new CheckpointStore(small.Folder).Write(SmallCheckpoint.Manifest(3), SmallCheckpoint.States(3)).Value();
            Assert.Equal(3, small.Store.Newest(static _ => { }).Value().Step);
            return disk.Calls;
        }
    }

    [Fact]
    public void A_refusal_is_a_fault_and_leaves_nothing_behind()
    {
        using var scope = NewDisposeScope();
        var disk = new CrashingDisk(8, Trouble.Refusal);
        new CheckpointStore(_small.Folder, disk).Write(SmallCheckpoint.Manifest(2), SmallCheckpoint.States(2)).Fault(FaultCodes.CannotWrite, "No space left");
        Assert.Empty(Directory.EnumerateFileSystemEntries(_small.Folder));
    }

    [Fact]
    public void Every_byte_of_every_file_is_held_to_what_was_written()
    {
        using var scope = NewDisposeScope();
        _small.Write(2);
        var flipped = 0;
        foreach (var path in Directory.GetFiles(_small.Store.PathOf(2)))
        {
            var whole = File.ReadAllBytes(path);
            for (var i = 0; i < whole.Length; i++)
            {
                foreach (var mask in (byte[])[1, 0x20, 0xFF])
                {
                    var damaged = whole.ToArray();
                    damaged[i] ^= mask;
                    File.WriteAllBytes(path, damaged);
                    _small.Store.Open(2).Fault(FaultCodes.CheckpointDamaged);
                    flipped++;
                }
            }
            File.WriteAllBytes(path, whole);
        }
        Assert.True(flipped > 3000, $"{flipped} flips");
        SmallCheckpoint.AssertWhole(_small.Store.Open(2).Value());
    }

    [Fact]
    public void Every_length_of_every_file_is_held_to_what_was_written()
    {
        using var scope = NewDisposeScope();
        _small.Write(2);
        foreach (var path in Directory.GetFiles(_small.Store.PathOf(2)))
        {
            var whole = File.ReadAllBytes(path);
            // The manifest, which says the lengths of the others, has its own seal.
            var words = path.EndsWith(CheckpointManifest.FileName, StringComparison.Ordinal) ? "" : $" bytes where {whole.Length} were written";
            for (var length = 0; length < whole.Length; length++)
            {
                File.WriteAllBytes(path, whole[..length]);
                _small.Store.Open(2).Fault(FaultCodes.CheckpointDamaged, words);
            }
            File.WriteAllBytes(path, [.. whole, 0]);
            _small.Store.Open(2).Fault(FaultCodes.CheckpointDamaged, words);
            File.Delete(path);
            _small.Store.Open(2).Fault(FaultCodes.CheckpointDamaged);
            File.WriteAllBytes(path, whole);
        }
    }

    [Fact]
    public void A_damaged_checkpoint_is_passed_over_and_said_to_be()
    {
        using var scope = NewDisposeScope();
        foreach (var step in new[] { 2, 4, 6 }) _small.Write(step);
        File.Delete(Path.Combine(_small.Store.PathOf(6), CheckpointManifest.FileName));
        Directory.Move(_small.Store.PathOf(4), _small.Store.PathOf(5));
        var skipped = new List<string>();
        Assert.Equal(2, _small.Store.Newest(fault => skipped.Add(fault.Message)).Value().Step);
        Assert.Equal(2, skipped.Count);
        Assert.Contains("the checkpoint of step 4", skipped[1], StringComparison.Ordinal);
        _small.Store.Newest(static _ => { }, most: 1).Fault(FaultCodes.NoCheckpoint, "at or before step 1");
    }

    [Fact]
    public void Pruning_keeps_the_newest_and_the_best()
    {
        using var scope = NewDisposeScope();
        foreach (var step in new[] { 1, 3, 5, 7, 1_000_000 }) _small.Write(step);
        Assert.Equal([5, 1], _small.Store.Prune(2, 3).Value());
        Assert.Equal([1_000_000, 7, 3], _small.Store.Steps());
        Assert.Equal(3, Directory.EnumerateFileSystemEntries(_small.Folder).Count());
    }

    [Fact]
    public void A_state_goes_back_to_its_part_or_says_why_not()
    {
        using var scope = NewDisposeScope();
        _small.Write(2);
        var checkpoint = _small.Store.Open(2).Value();
        var parts = SmallCheckpoint.States(2).Keys.Select(static name => (name, (IStateful)new Part(3))).ToArray();
        checkpoint.Restore(parts).Value();
        Assert.All(parts, static part => Assert.Equal(1, ((Part)part.Item2).Loaded));
        checkpoint.Restore(parts[..2]).Fault(FaultCodes.StateMismatch, "'numbers'", "does not have");
        checkpoint.Restore([.. parts, ("reward.mine", new Part(1))]).Fault(FaultCodes.StateMismatch, "no state of 'reward.mine'");
        checkpoint.Restore([(parts[0].name, new Part(3)), (parts[1].name, new Part(2)), (parts[2].name, new Part(3))]).Fault(FaultCodes.StateMismatch, "'optimizer' has version 3", "up to 2");
    }

    public void Dispose() => _small.Dispose();

    private sealed class Part(int version) : IStateful
    {
        public int StateVersion => version;

        public int Loaded { get; private set; }

        public PartState Save() => throw new NotSupportedException();

        public Result<Unit> Load(PartState state)
        {
            Loaded++;
            return Unit.Value;
        }
    }
}
