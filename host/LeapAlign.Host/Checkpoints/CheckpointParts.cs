using System.Globalization;
using System.Text.Json;
using LeapAlign.Contracts.State;
using LeapAlign.Pipeline;
using LeapAlign.Storage.Disks;
using LeapAlign.Storage.Safetensors;

namespace LeapAlign.Host.Checkpoints;

/// <summary>
/// Checkpoints that the processes of a run write together. Each writes its share of the states into a hidden folder beside the checkpoint, there whole or not at all; when all are there, the first process
/// moves their files into the checkpoint's folder. It is a checkpoint like any other then, and a run goes on from it with any number of processes.
/// </summary>
/// <param name="store">Where checkpoints go.</param>
internal sealed class CheckpointParts(CheckpointStore store)
{
    /// <summary>Writes the share of one process.</summary>
    /// <param name="of">Steps done before the checkpoint, the process, and of how many it is.</param>
    /// <param name="states">Copies of its share of every state.</param>
    /// <returns>The bytes of its files; <see cref="FaultCodes.CannotWrite"/> when the disk refuses.</returns>
    public Result<long> Write((int Step, int Rank, int World) of, IReadOnlyDictionary<string, PartState> states)
    {
        var sealing = new SealingDisk(store.Disk);
        var bytes = 0L;
        return store.Prepare().Bind(_ => WholeFolder.Write(PathOf(of.Step, of.Rank), aside => store.Write(aside, states, sealing).Bind(saved =>
        {
            var part = new CheckpointPart { Step = of.Step, Rank = of.Rank, World = of.World, States = saved, Files = CheckpointStore.SealsIn(aside, sealing) };
            bytes = part.Files.Values.Sum(static file => file.Bytes);
            return WholeFile.Write(Path.Combine(aside, CheckpointPart.FileName), part.ToBytes(), sealing);
        }), sealing)).Map(_ => bytes);
    }

    /// <summary>Whether the shares of all processes are there.</summary>
    public bool AreThere(int step, int world) => Enumerable.Range(0, world).All(rank => store.Disk.FileExists(Path.Combine(PathOf(step, rank), CheckpointPart.FileName)));

    /// <summary>Makes one checkpoint of the shares of all processes.</summary>
    /// <param name="manifest">Without its files and states.</param>
    /// <param name="world">How many there are.</param>
    /// <returns>The bytes of its files; <see cref="FaultCodes.CannotWrite"/> when the disk refuses, <see cref="FaultCodes.CheckpointDamaged"/> when a share is not what its process wrote.</returns>
    public Result<long> Join(CheckpointManifest manifest, int world)
    {
        var step = manifest.Progress.Done;
        var joined = store.Fill(manifest, (aside, sealing) =>
            from parts in Enumerable.Range(0, world).Select(rank => Read(step, rank, world)).All()
            from moved in parts[0].States.Keys.Select(name => Move(aside, name, parts, sealing)).All()
            select (IReadOnlyDictionary<string, SavedState>)parts[0].States.Keys.ToDictionary(static name => name, name => Whole([.. parts.Select(part => part.States[name])])));
        // Whatever became of them, nobody takes them again.
        Discard(step);
        return joined;
    }

    /// <summary>Removes shares: those of a step, or what processes that are gone left. What the disk refuses stays, hidden.</summary>
    public void Discard(int? step = null)
    {
        try
        {
            if (!store.Disk.FolderExists(store.Folder)) return;
            foreach (var path in store.Disk.Folders(store.Folder).Where(path => IsShareOf(step, Path.GetFileName(path)))) store.Disk.Delete(path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // A disk that cannot be written often cannot be tidied either.
        }
    }

    private const string Infix = ".part-";

    private string PathOf(int step, int rank) => Path.Combine(store.Folder, string.Create(CultureInfo.InvariantCulture, $".{Path.GetFileName(store.PathOf(step))}{Infix}{rank:D5}"));

    // Also one that a crash left before it was whole, whose name has one dot more.
    private bool IsShareOf(int? step, string name) =>
        name.StartsWith('.') && name.Contains(Infix, StringComparison.Ordinal) && name.TrimStart('.').StartsWith(step is { } one ? $"{Path.GetFileName(store.PathOf(one))}{Infix}" : "step-", StringComparison.Ordinal);

    private Result<CheckpointPart> Read(int step, int rank, int world)
    {
        var path = Path.Combine(PathOf(step, rank), CheckpointPart.FileName);
        try
        {
            var part = JsonSerializer.Deserialize(File.ReadAllBytes(path), CheckpointJson.Part)!;
            return (part.Step, part.Rank, part.World) == (step, rank, world) ? part : Damaged($"it is the share of rank {part.Rank} of {part.World} in the checkpoint of step {part.Step}");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or JsonException)
        {
            return Damaged($"the share of rank {rank} cannot be read: {exception.Message}");
        }

        Result<CheckpointPart> Damaged(string message) => new Fault.Run(FaultCodes.CheckpointDamaged, message, new SourcePlace(path));
    }

    private Result<Unit> Move(string aside, string state, IReadOnlyList<CheckpointPart> parts, SealingDisk sealing)
    {
        List<string> files = [];
        foreach (var part in parts)
        {
            if (!part.States.ContainsKey(state) || part.States.Count != parts[0].States.Count)
                return new Fault.Run(FaultCodes.CheckpointDamaged, $"ranks 0 and {part.Rank} do not keep the same states", new SourcePlace(PathOf(part.Step, part.Rank)));
            if (!part.States[state].HasTensors) continue;
            if (!SafetensorsFolder.Open(PathOf(part.Step, part.Rank), state).TryGet(out var own, out var fault)) return fault;
            using (own)
            {
                files.AddRange(own.Files);
                foreach (var file in own.Files) sealing.Trust(file, part.Files[Path.GetFileName(file)]);
            }
        }
        return files.Count == 0 ? Unit.Value : SafetensorsWriter.Join(aside, state, files, sealing);
    }

    // Numbers of single parameters are in the share of one process, those of the whole state in the first.
    private static SavedState Whole(IReadOnlyList<SavedState> shares)
    {
        var numbers = new Dictionary<string, double>(StringComparer.Ordinal);
        foreach (var (name, value) in shares.SelectMany(static share => share.Numbers)) numbers.TryAdd(name, value);
        return new SavedState(shares[0].Version, shares.Any(static share => share.HasTensors), numbers);
    }
}
