using System.Text.Json;
using LeapAlign.Pipeline;
using LeapAlign.Storage.Disks;
using LeapAlign.Storage.Safetensors;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.FewSteps.Pairs;

/// <summary>
/// Pairs on the disk: a folder with <c>pairs.json</c>, which says what they are, and a safetensors file for each block, with the states of its rollout and the key of its noise. A file
/// is there whole or not at all, and whoever makes it makes the same: several runs and processes may share a store.
/// </summary>
internal sealed class PairStore
{
    /// <summary>The file that says what the pairs are.</summary>
    public const string FileName = "pairs.json";

    private const string States = "states", NoiseKey = "noise", CaptionKey = "caption";

    private readonly IDisk _disk = SystemDisk.Instance;
    private readonly PairIdentity _identity;
    private bool _isBegun;

    private PairStore(string folder, PairIdentity identity, bool isBegun) => (Folder, _identity, _isBegun) = (folder, identity, isBegun);

    /// <summary>How many states of a rollout are kept.</summary>
    public int StateCount { get; init; } = 1;

    /// <summary>Where it is.</summary>
    public string Folder { get; }

    /// <summary>Finds the store of a run. Nothing is written.</summary>
    /// <param name="path">A store, or a folder of stores.</param>
    /// <param name="identity">What the run's pairs are.</param>
    /// <param name="runFolder">The folder of the run; null where it is not known.</param>
    /// <param name="states">How many states of a rollout are kept.</param>
    /// <returns>
    /// <see cref="FaultCodes.PairsOfOtherModel"/> for a store of others, <see cref="FaultCodes.PairsDamaged"/> for one that cannot be read, <see cref="FaultCodes.NotAPairStore"/> for a
    /// folder that is none or that the run may replace.
    /// </returns>
    public static Result<PairStore> Open(string path, PairIdentity identity, string? runFolder, int states = 1)
    {
        if (runFolder is not null && IsBelow(path, runFolder)) return None(path, $"it lies in the folder of the run ({runFolder}), which --force replaces with all that is in it; name another store");
        if (File.Exists(path)) return None(path, "a file is there, and a store of pairs is a folder");
        if (File.Exists(Path.Combine(path, FileName))) return Existing(path, identity, states);
        var folder = Path.Combine(path, identity.Key);
        if (File.Exists(Path.Combine(folder, FileName))) return Existing(folder, identity, states);
        // A process that was killed may have left what it wrote aside.
        if (File.Exists(folder) || (Directory.Exists(folder) && Directory.EnumerateFileSystemEntries(folder).Any(static entry => Path.GetFileName(entry)[0] != '.')))
            return None(folder, $"it is not empty, and has no {FileName}: pairs would lie among the files of something else; move them, or name another store");
        return new PairStore(folder, identity, isBegun: false) { StateCount = states };
    }

    /// <summary>Whether there are pairs in it.</summary>
    public bool IsBegun => _isBegun;

    /// <summary>Whether a block was made.</summary>
    public bool Holds(PairBlock block) => File.Exists(PathOf(block));

    /// <summary>Keeps a block.</summary>
    /// <param name="block">Which.</param>
    /// <param name="states">The kept states of its rollout, [m, n, ...].</param>
    public Result<Unit> Write(PairBlock block, Tensor states)
    {
        var tensor = new TensorToWrite(States, states, _identity.Precision.Type());
        var metadata = new Dictionary<string, string> { [NoiseKey] = block.Noise(_identity.Seed).ToString(), [CaptionKey] = block.Caption };
        return from begun in Begin()
               from written in Place(PathOf(block), aside => SafetensorsWriter.Write(aside, [tensor], metadata, _disk))
               select written;
    }

    /// <summary>Reads a block.</summary>
    /// <returns>The states, [m, n, ...], as they were kept, or <see cref="FaultCodes.PairsDamaged"/>.</returns>
    public Result<Tensor> Read(PairBlock block)
    {
        var path = PathOf(block);
        if (!SafetensorsFile.Open(path).TryGet(out var file, out var fault)) return Damaged(path, fault.Message);
        using (file)
        {
            if (file.Metadata.GetValueOrDefault(NoiseKey) != block.Noise(_identity.Seed).ToString()) return Damaged(path, "it holds the pairs of another caption, number or seed");
            long[] expected = [_identity.Together, StateCount, .. _identity.Latents];
            if (!file.Entries.TryGetValue(States, out var entry) || entry.Type != _identity.Precision.Type() || !entry.Shape.SequenceEqual(expected))
                return Damaged(path, $"'{States}' is {(entry is null ? "not there" : $"{entry.Type} [{string.Join(", ", entry.Shape)}]")}, and {FileName} says {_identity.Precision.Type()} [{string.Join(", ", expected)}]");
            if (!file.Read(States).TryGet(out var states, out fault)) return Damaged(path, fault.Message);
            return states;
        }
    }

    /// <summary>The file of a block.</summary>
    public string PathOf(PairBlock block) => Path.Combine(Folder, block.FileName);

    private Result<Unit> Begin()
    {
        if (_isBegun) return Unit.Value;
        return from made in Tried(Folder, () => _disk.MakeFolder(Folder))
               from written in Place(Path.Combine(Folder, FileName), aside => WholeFile.Write(aside, _identity.ToBytes(), _disk))
               select Begun();
    }

    private Unit Begun()
    {
        _isBegun = true;
        return Unit.Value;
    }

    // Processes that share the store may write one file at once, each under a name of its own; whichever is last takes the name with the same content.
    private Result<Unit> Place(string path, Func<string, Result<Unit>> write)
    {
        var aside = Path.Combine(Folder, $".{Path.GetFileName(path)}.{Environment.MachineName}-{Environment.ProcessId}");
        return write(aside).Bind(_ => Tried(path, () =>
        {
            _disk.Move(aside, path);
            _disk.Flush(Folder);
        }));
    }

    private static Result<Unit> Tried(string path, Action action)
    {
        try
        {
            action();
            return Unit.Value;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return new Fault.Run(FaultCodes.CannotWrite, exception.Message, new SourcePlace(path));
        }
    }

    private static Result<PairStore> Existing(string folder, PairIdentity identity, int states)
    {
        var path = Path.Combine(folder, FileName);
        PairIdentity there;
        try
        {
            there = PairIdentity.Read(File.ReadAllBytes(path));
        }
        catch (Exception exception) when (exception is JsonException or IOException or UnauthorizedAccessException)
        {
            return new Fault.Input(FaultCodes.PairsDamaged, $"it does not say what the pairs of this store are ({exception.Message.Split('\n')[0]}); name another store", new SourcePlace(path));
        }
        return there.Differences(identity) is { Count: > 0 } differences
            ? new Fault.Input(FaultCodes.PairsOfOtherModel, $"the pairs of this store were made {string.Join("; ", differences)}: name another store, or a folder of stores", new SourcePlace(folder))
            : new PairStore(folder, identity, isBegun: true) { StateCount = states };
    }

    private static bool IsBelow(string path, string folder) =>
        Path.GetRelativePath(folder, path) is var relative && !Path.IsPathRooted(relative) && relative != ".." && !relative.StartsWith($"..{Path.DirectorySeparatorChar}", StringComparison.Ordinal);

    private static Fault None(string path, string message) => new Fault.Input(FaultCodes.NotAPairStore, $"this cannot be the store of pairs: {message}", new SourcePlace(path));

    private static Fault Damaged(string path, string message) =>
        new Fault.Input(FaultCodes.PairsDamaged, $"the file of pairs is not what was written: {message}; remove it, and its pairs are made again", new SourcePlace(path));
}
