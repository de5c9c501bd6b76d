using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.State;
using LeapAlign.Host.Checkpoints;
using LeapAlign.Pipeline;
using LeapAlign.Testing;
using static TorchSharp.torch;

namespace LeapAlign.Host.Tests.Checkpoints;

/// <summary>Shares that processes write become one checkpoint, or none.</summary>
public sealed class CheckpointPartsTests : IDisposable
{
    private const int World = 3;
    private readonly SmallCheckpoint _small = new();

    [Theory]
    [InlineData(1)]
    [InlineData(long.MaxValue)]
    public void Shares_are_one_checkpoint(long shardBytes)
    {
        using var scope = NewDisposeScope();
        var store = new CheckpointStore(_small.Folder) { ShardBytes = shardBytes };
        Write(store, 4, World);
        var bytes = new CheckpointParts(store).Join(SmallCheckpoint.Manifest(4), World).Value();
        var checkpoint = store.Open(4).Value();
        Assert.Equal(bytes, checkpoint.Bytes);
        SmallCheckpoint.AssertWhole(checkpoint);
        // 'policy' is in two shares, 'optimizer' in one, and the last process had nothing to write.
        Assert.Equal(
            ["manifest.json", "optimizer.safetensors", "policy-00001-of-00002.safetensors", "policy-00002-of-00002.safetensors", "policy.safetensors.index.json"],
            Directory.GetFiles(store.PathOf(4)).Select(static path => Path.GetFileName(path)).Order(StringComparer.Ordinal));
        Assert.Equal([store.PathOf(4)], Directory.EnumerateFileSystemEntries(_small.Folder));
    }

    [Fact]
    public void Shards_of_a_share_are_numbered_with_those_of_the_others()
    {
        using var scope = NewDisposeScope();
        var store = new CheckpointStore(_small.Folder) { ShardBytes = 1 };
        Tensor Of(int value) => full([2], value, dtype: ScalarType.Float32);
        var parts = new CheckpointParts(store);
        parts.Write((2, 0, 2), new Dictionary<string, PartState> { ["policy"] = new(1, [new NamedTensor("a", Of(1)), new NamedTensor("b", Of(2))]) }).Value();
        parts.Write((2, 1, 2), new Dictionary<string, PartState> { ["policy"] = new(1, [new NamedTensor("c", Of(3)), new NamedTensor("d", Of(4))]) }).Value();
        parts.Join(SmallCheckpoint.Manifest(2), 2).Value();
        var read = store.Open(2).Value().With("policy", static state => Result.Ok(state.Tensors.Select(static tensor => $"{tensor.Name}={tensor.Value[0].item<float>()}").ToArray())).Value();
        Assert.Equal(["a=1", "b=2", "c=3", "d=4"], read);
        Assert.Contains("policy-00004-of-00004.safetensors", store.Describe(2).Value().Files.Keys);
    }

    [Fact]
    public void At_whatever_call_trouble_comes_the_newest_valid_checkpoint_is_found()
    {
        using var scope = NewDisposeScope();
        foreach (var (at, trouble, writes) in from writes in new[] { true, false } from trouble in Enum.GetValues<Trouble>() from at in Enumerable.Range(0, Calls(writes)) select (at, trouble, writes))
            Tried(at, trouble, writes);

        static int Calls(bool writes)
        {
            var calls = Tried(int.MaxValue, default, writes);
            Assert.True(calls > 15, $"{calls} calls");
            return calls;
        }

        // Writes a share of step 2, or joins all of them, behind step 1.
        static int Tried(int at, Trouble trouble, bool writes)
        {
            using var small = new SmallCheckpoint();
            small.Write(1);
            var disk = new CrashingDisk(at, trouble);
            var troubled = new CheckpointStore(small.Folder, disk);
            for (var rank = writes ? 1 : 0; rank < World; rank++) Write(small.Store, 2, rank, World);
            var made = false;
            try
            {
                made = writes ? Write(troubled, 2, 0, World).IsOk : new CheckpointParts(troubled).Join(SmallCheckpoint.Manifest(2), World).IsOk;
            }
            catch (CrashException)
            {
            }
            if (made) disk.PowerOff();
            // A share that is there is whole.
            if (writes && new CheckpointParts(small.Store).AreThere(2, World)) new CheckpointParts(small.Store).Join(SmallCheckpoint.Manifest(2), World).Value();
            else if (writes) Assert.False(made, $"call {at} ({trouble})");
            List<Fault> skipped = [];
            var newest = small.Store.Newest(skipped.Add).Value();
            Assert.Empty(skipped);
            Assert.True(made ? newest.Step == 2 : newest.Step is 1 or 2, $"call {at} ({trouble}): step {newest.Step}");
            SmallCheckpoint.AssertWhole(newest);
            // What was left is in nobody's way, and goes.
            var parts = new CheckpointParts(small.Store);
            parts.Discard();
            Assert.DoesNotContain(Directory.EnumerateFileSystemEntries(small.Folder), static path => path.Contains(".part-", StringComparison.Ordinal));
            Write(small.Store, 3, World);
            parts.Join(SmallCheckpoint.Manifest(3), World).Value();
            SmallCheckpoint.AssertWhole(small.Store.Newest(static _ => { }).Value());
            return disk.Calls;
        }
    }

    [Fact]
    public void A_share_that_lacks_or_is_of_another_checkpoint_makes_none()
    {
        using var scope = NewDisposeScope();
        _small.Write(1);
        var parts = new CheckpointParts(_small.Store);
        Write(_small.Store, 2, 0, World);
        Write(_small.Store, 2, 1, World);
        Assert.False(parts.AreThere(2, World));
        Assert.True(parts.AreThere(2, 2));
        parts.Join(SmallCheckpoint.Manifest(2), World).Fault(FaultCodes.CheckpointDamaged, "rank 2");
        Write(_small.Store, 2, 2);
        parts.Join(SmallCheckpoint.Manifest(2), World).Fault(FaultCodes.CheckpointDamaged, "of 2");
        Write(_small.Store, 2, World);
        Directory.Delete(Path.Combine(_small.Folder, ".step-000002.part-00001"), recursive: true);
        Write(_small.Store, 3, 1, World);
        Directory.Move(Path.Combine(_small.Folder, ".step-000003.part-00001"), Path.Combine(_small.Folder, ".step-000002.part-00001"));
        parts.Join(SmallCheckpoint.Manifest(2), World).Fault(FaultCodes.CheckpointDamaged, "step 3");
        // A tensor that two processes write is in none.
        Write(_small.Store, 2, World);
        parts.Write((2, 1, World), Share(2, 0)).Value();
        parts.Join(SmallCheckpoint.Manifest(2), World).Fault(FaultCodes.DamagedWeights, "'a'");
        Assert.Equal([1], _small.Store.Steps());
        Assert.Equal([_small.Store.PathOf(1)], Directory.EnumerateFileSystemEntries(_small.Folder));
    }

    [Fact]
    public void A_byte_that_changed_between_the_share_and_the_checkpoint_is_found_when_it_is_opened()
    {
        using var scope = NewDisposeScope();
        Write(_small.Store, 2, World);
        var path = Path.Combine(_small.Folder, ".step-000002.part-00001", "policy.safetensors");
        var bytes = File.ReadAllBytes(path);
        bytes[^1] ^= 1;
        File.WriteAllBytes(path, bytes);
        new CheckpointParts(_small.Store).Join(SmallCheckpoint.Manifest(2), World).Value();
        _small.Store.Open(2).Fault(FaultCodes.CheckpointDamaged, "SHA-256");
    }

    public void Dispose() => _small.Dispose();

    private static void Write(CheckpointStore store, int step, int world)
    {
        for (var rank = 0; rank < world; rank++) Write(store, step, rank, world).Value();
    }

    private static Result<long> Write(CheckpointStore store, int step, int rank, int world) => new CheckpointParts(store).Write((step, rank, world), Share(step, rank));

    // The first process has one tensor of two states and numbers that all have, the second the other tensor and the numbers of that state, the third has none.
    private static Dictionary<string, PartState> Share(int step, int rank) => SmallCheckpoint.States(step).ToDictionary(static state => state.Key, state => state.Key switch
    {
        "policy" => new PartState(state.Value.Version, [.. state.Value.Tensors.Skip(rank).Take(rank < 2 ? 1 : 0)]),
        "optimizer" => new PartState(state.Value.Version, rank == 0 ? state.Value.Tensors : [], rank == 1 ? state.Value.Numbers : new Dictionary<string, double>()),
        _ => new PartState(state.Value.Version, [], rank == 0 ? state.Value.Numbers : new Dictionary<string, double>()),
    });
}
