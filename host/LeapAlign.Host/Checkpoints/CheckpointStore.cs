using System.Globalization;
using System.Security.Cryptography;
using LeapAlign.Contracts.State;
using LeapAlign.Pipeline;
using LeapAlign.Storage.Disks;
using LeapAlign.Storage.Safetensors;

namespace LeapAlign.Host.Checkpoints;

/// <summary>The checkpoints of a run: folders <c>step-######</c>, each there whole or not at all.</summary>
/// <param name="folder">Holds them; made with the first.</param>
/// <param name="disk">Where; the file system of this machine when null.</param>
internal sealed class CheckpointStore(string folder, IDisk? disk = null)
{
    private const string Prefix = "step-";

    /// <summary>Holds them.</summary>
    public string Folder => folder;

    /// <summary>Where they are.</summary>
    public IDisk Disk { get; } = disk ?? SystemDisk.Instance;

    /// <summary>The most that a file of tensors holds, in bytes; more is sharded.</summary>
    public long ShardBytes { get; init; } = SafetensorsWriter.LibraryShardBytes;

    /// <summary>The folder of a step's checkpoint.</summary>
    public string PathOf(int step) => Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"{Prefix}{step:D6}"));

    /// <summary>Steps that have a checkpoint, valid or not, the newest first.</summary>
    public IReadOnlyList<int> Steps() => Directory.Exists(folder)
        ? [.. Directory.EnumerateDirectories(folder, $"{Prefix}*").Select(Number).OfType<int>().OrderDescending()]
        : [];

    /// <summary>Writes a checkpoint.</summary>
    /// <param name="manifest">Without its files and states.</param>
    /// <param name="states">Copies of all states.</param>
    /// <returns>The bytes of its files; <see cref="FaultCodes.CannotWrite"/> when the disk refuses: the older ones stay as they were.</returns>
    public Result<long> Write(CheckpointManifest manifest, IReadOnlyDictionary<string, PartState> states)
    {
        ArgumentNullException.ThrowIfNull(states);
        return Fill(manifest, (aside, sealing) => Write(aside, states, sealing));
    }

    /// <summary>Writes a checkpoint of files that something puts into its folder.</summary>
    /// <param name="manifest">Without its files and states.</param>
    /// <param name="fill">Puts the files of all states into a folder, through a disk that takes their seals, and says what the manifest says of the states.</param>
    /// <returns>As <see cref="Write(CheckpointManifest, IReadOnlyDictionary{string, PartState})"/>.</returns>
    public Result<long> Fill(CheckpointManifest manifest, Func<string, SealingDisk, Result<IReadOnlyDictionary<string, SavedState>>> fill)
    {
        var sealing = new SealingDisk(Disk);
        var bytes = 0L;
        return Prepare().Bind(_ => WholeFolder.Write(PathOf(manifest.Progress.Done), aside => fill(aside, sealing).Bind(saved =>
        {
            var whole = manifest with { Format = CheckpointManifest.CurrentFormat, States = saved, Files = SealsIn(aside, sealing) };
            bytes = whole.Bytes;
            return WholeFile.Write(Path.Combine(aside, CheckpointManifest.FileName), SealedManifest.Write(whole), sealing);
        }), sealing)).Map(_ => bytes);
    }

    /// <summary>Writes the tensors of states into a folder.</summary>
    /// <returns>What a manifest says of them.</returns>
    public Result<IReadOnlyDictionary<string, SavedState>> Write(string aside, IReadOnlyDictionary<string, PartState> states, SealingDisk sealing) =>
        states.Where(static state => state.Value.Tensors.Count > 0).Select(state => Write(aside, state.Key, state.Value, sealing)).All().Map(_ => (IReadOnlyDictionary<string, SavedState>)
            states.ToDictionary(static state => state.Key, static state => new SavedState(state.Value.Version, state.Value.Tensors.Count > 0, state.Value.Numbers)));

    /// <summary>The seals of the files that lie in a folder, by their names.</summary>
    public static IReadOnlyDictionary<string, FileSeal> SealsIn(string folder, SealingDisk sealing) =>
        sealing.Seals.Where(seal => Path.GetDirectoryName(seal.Key) == folder).ToDictionary(static seal => Path.GetFileName(seal.Key), static seal => seal.Value);

    /// <summary>What a checkpoint says of itself; its files are not looked at.</summary>
    /// <returns><see cref="FaultCodes.CheckpointDamaged"/> when the manifest is not what was written.</returns>
    public Result<CheckpointManifest> Describe(int step) => SealedManifest.Read(Path.Combine(PathOf(step), CheckpointManifest.FileName))
        .Bind(manifest => manifest.Progress.Done == step ? manifest : Result.Fail<CheckpointManifest>(Damaged(PathOf(step), $"it is the checkpoint of step {manifest.Progress.Done}")));

    /// <summary>Opens a checkpoint and reads every byte of it.</summary>
    /// <returns><see cref="FaultCodes.CheckpointDamaged"/> when one is not what was written.</returns>
    public Result<Checkpoint> Open(int step) =>
        from manifest in Describe(step)
        from files in manifest.Files.Select(file => Check(PathOf(step), file.Key, file.Value)).All()
        select new Checkpoint(PathOf(step), manifest);

    /// <summary>The newest checkpoint that is valid.</summary>
    /// <param name="skipped">Is told why a newer one is not.</param>
    /// <param name="most">The highest step that will do.</param>
    /// <returns><see cref="FaultCodes.NoCheckpoint"/> when there is none.</returns>
    public Result<Checkpoint> Newest(Action<Fault> skipped, int most = int.MaxValue)
    {
        foreach (var step in Steps().Where(step => step <= most))
        {
            if (Open(step).TryGet(out var found, out var fault)) return found;
            skipped(fault);
        }
        return new Fault.Run(FaultCodes.NoCheckpoint, most == int.MaxValue ? "there is no valid checkpoint" : $"there is no valid checkpoint at or before step {most}", new SourcePlace(folder));
    }

    /// <summary>Removes all but the newest and one more.</summary>
    /// <param name="keep">How many of the newest stay.</param>
    /// <param name="others">Steps whose checkpoints stay, too.</param>
    /// <returns>The steps whose checkpoints were removed.</returns>
    public Result<IReadOnlyList<int>> Prune(int keep, params int?[] others) => Steps().Skip(keep).Where(step => !others.Contains(step)).Select(Remove).All();

    private Result<int> Remove(int step)
    {
        var path = PathOf(step);
        var hidden = Path.Combine(folder, $".{Path.GetFileName(path)}.old");
        try
        {
            // Out of sight first: one that is half removed would look like a damaged one.
            Disk.Delete(hidden);
            Disk.Move(path, hidden);
            Disk.Delete(hidden);
            return step;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return new Fault.Run(FaultCodes.CannotWrite, $"the checkpoint cannot be removed: {exception.Message}", new SourcePlace(path));
        }
    }

    /// <summary>Makes the folder of checkpoints, if it is not there.</summary>
    public Result<Unit> Prepare()
    {
        try
        {
            Disk.MakeFolder(folder);
            return Unit.Value;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return new Fault.Run(FaultCodes.CannotWrite, $"cannot be made: {exception.Message}", new SourcePlace(folder));
        }
    }

    private Result<Unit> Write(string aside, string name, PartState state, SealingDisk sealing) =>
        SafetensorsWriter.WriteFolder(aside, name, [.. state.Tensors.Select(static tensor => new TensorToWrite(tensor.Name, tensor.Value, tensor.Value.dtype))], ShardBytes, sealing);

    private static int? Number(string path) =>
        int.TryParse(Path.GetFileName(path).AsSpan(Prefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var step) ? step : null;

    private static Result<Unit> Check(string path, string name, FileSeal said)
    {
        var file = Path.Combine(path, name);
        try
        {
            using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
            if (stream.Length != said.Bytes) return Damaged(file, $"it has {stream.Length} bytes where {said.Bytes} were written");
            var found = Convert.ToHexStringLower(SHA256.HashData(stream));
            return found == said.Sha256 ? Unit.Value : Damaged(file, $"its SHA-256 is {found} where {said.Sha256} was written");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return Damaged(file, $"it cannot be read ({exception.Message})");
        }
    }

    private static Fault Damaged(string path, string message) => new Fault.Run(FaultCodes.CheckpointDamaged, message, new SourcePlace(path));
}
