using System.Globalization;
using System.Text.RegularExpressions;
using LeapAlign.Pipeline;
using LeapAlign.Storage.Disks;
using static TorchSharp.torch;

namespace LeapAlign.Storage.Safetensors;

/// <summary>A tensor to be saved.</summary>
/// <param name="Name">Its name in the file.</param>
/// <param name="Value">The tensor, on any device; it stays the caller's.</param>
/// <param name="Type">The precision in the file. Each tensor is converted when it is its turn, so that no second model lies in memory.</param>
public readonly record struct TensorToWrite(string Name, Tensor Value, ScalarType Type)
{
    /// <summary>
    /// Makes the tensor when it is its turn, for tensors of which not all fit into memory at once; <see cref="Value"/> then says the shape alone. What it makes is
    /// disposed after it is written. Null writes <see cref="Value"/>.
    /// </summary>
    public Func<Tensor>? Make { get; init; }
}

/// <summary>Writes safetensors files, aside first and renamed when complete, so that a reader never sees half of one.</summary>
public static class SafetensorsWriter
{
    /// <summary>The size above which the libraries begin another shard, in bytes.</summary>
    public const long LibraryShardBytes = 10_000_000_000;

    private static readonly Dictionary<string, string> PyTorchFormat = new() { ["format"] = "pt" };

    /// <summary>Writes one file, replacing one that is there.</summary>
    /// <param name="path">The file; its folder must be there.</param>
    /// <param name="tensors">The tensors; the header lists them in this order.</param>
    /// <param name="metadata">Text to carry; <c>{"format": "pt"}</c>, which the libraries ask for, when null.</param>
    /// <param name="disk">Where; the file system of this machine when null.</param>
    /// <returns><see cref="FaultCodes.CannotWrite"/> when the disk refuses: nothing is left behind then, and an older file stays as it was.</returns>
    /// <exception cref="ArgumentException">A name occurs twice, or the format has no such precision.</exception>
    public static Result<Unit> Write(string path, IReadOnlyList<TensorToWrite> tensors, IReadOnlyDictionary<string, string>? metadata = null, IDisk? disk = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(tensors);
        var content = new SafetensorsContent(tensors, metadata ?? PyTorchFormat);
        return PendingFile.Write(disk ?? SystemDisk.Instance, path, content.Length, content.WriteTo).Bind(pending =>
        {
            using (pending) return pending.Commit();
        });
    }

    /// <summary>
    /// Writes the weights of a component as the libraries do: <c>stem.safetensors</c>, or <c>stem-00001-of-0000N.safetensors</c> with an index when they
    /// are larger than one shard. Files of the other form that an earlier save left under this stem are removed.
    /// </summary>
    /// <param name="folder">The component's folder; made when absent, in one that is there.</param>
    /// <param name="stem"><c>diffusion_pytorch_model</c> for diffusers, <c>model</c> for transformers.</param>
    /// <param name="tensors">The tensors, in order.</param>
    /// <param name="shardBytes">The most that a shard holds, in bytes; a larger tensor gets a shard of its own.</param>
    /// <param name="disk">Where; the file system of this machine when null.</param>
    /// <param name="further">Text that each file carries beside what the libraries ask for; null for none.</param>
    /// <returns><see cref="FaultCodes.CannotWrite"/> when the disk refuses: all files are complete before the first takes its name.</returns>
    /// <exception cref="ArgumentException">A name occurs twice, or the format has no such precision.</exception>
    public static Result<Unit> WriteFolder(string folder, string stem, IReadOnlyList<TensorToWrite> tensors, long shardBytes = LibraryShardBytes, IDisk? disk = null, IReadOnlyDictionary<string, string>? further = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        ArgumentException.ThrowIfNullOrEmpty(stem);
        ArgumentNullException.ThrowIfNull(tensors);
        ArgumentOutOfRangeException.ThrowIfLessThan(shardBytes, 1);
        var metadata = further is null ? PyTorchFormat : PyTorchFormat.Concat(further).ToDictionary();
        var whole = new SafetensorsContent(tensors, metadata);
        using var set = new PendingSet(disk ?? SystemDisk.Instance, folder);
        return DiskFault.Try(folder, () =>
        {
            set.Disk.CreateFolder(folder);
            var written = whole.TensorByteCount <= shardBytes
                ? set.Add($"{stem}.safetensors", whole.Length, whole.WriteTo)
                : WriteShards(set, stem, Split(tensors, shardBytes), (whole.TensorByteCount, metadata));
            return written.Bind(_ => set.Commit()).Map(_ => RemoveOthers(set, stem));
        });
    }

    /// <summary>
    /// Makes one component of files that were written apart, as several processes do: <c>stem.safetensors</c> of one file, <c>stem-00001-of-0000N.safetensors</c> with an index of more. The files
    /// are moved, and nothing but their headers is read.
    /// </summary>
    /// <param name="folder">The component's folder, which is there; nothing of this stem is in it.</param>
    /// <param name="stem">What the names begin with.</param>
    /// <param name="files">The files, on the same volume; each tensor is in one of them.</param>
    /// <param name="disk">Where; the file system of this machine when null.</param>
    /// <returns><see cref="FaultCodes.CannotWrite"/> when the disk refuses, <see cref="FaultCodes.DamagedWeights"/> when a file is none of tensors, or a tensor is in two.</returns>
    public static Result<Unit> Join(string folder, string stem, IReadOnlyList<string> files, IDisk? disk = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        ArgumentException.ThrowIfNullOrEmpty(stem);
        ArgumentNullException.ThrowIfNull(files);
        var there = disk ?? SystemDisk.Instance;
        return DiskFault.Try(folder, () =>
        {
            var (fileOf, bytes) = (new Dictionary<string, string>(), 0L);
            for (var i = 0; i < files.Count; i++)
            {
                var name = files.Count == 1 ? $"{stem}.safetensors" : ShardName(stem, i, files.Count);
                if (!SafetensorsFile.Open(files[i]).TryGet(out var opened, out var fault)) return fault;
                using (opened)
                {
                    foreach (var (tensor, entry) in opened.Entries)
                    {
                        if (!fileOf.TryAdd(tensor, name)) return new Fault.Input(FaultCodes.DamagedWeights, $"tensor '{tensor}' is in another file of '{stem}', too", new SourcePlace(files[i]));
                        bytes += SafetensorsType.SizeOf(entry.Type) * entry.Shape.Aggregate(1L, static (product, size) => product * size);
                    }
                }
                there.Move(files[i], Path.Combine(folder, name));
            }
            return files.Count < 2 ? Unit.Value : WholeFile.Write(Path.Combine(folder, $"{stem}.safetensors.index.json"), new SafetensorsIndex(fileOf).ToJson(bytes), there);
        });
    }

    /// <summary>The bytes that <see cref="WriteFolder"/> would write, about: the content without the few bytes that shards add.</summary>
    /// <param name="tensors">The tensors.</param>
    /// <exception cref="ArgumentException">A name occurs twice, or the format has no such precision.</exception>
    public static long Bytes(IReadOnlyList<TensorToWrite> tensors)
    {
        ArgumentNullException.ThrowIfNull(tensors);
        return new SafetensorsContent(tensors, PyTorchFormat).Length;
    }

    private static Result<Unit> WriteShards(PendingSet set, string stem, List<List<TensorToWrite>> shards, (long Bytes, IReadOnlyDictionary<string, string> Metadata) whole)
    {
        var fileOf = new Dictionary<string, string>();
        for (var i = 0; i < shards.Count; i++)
        {
            var name = ShardName(stem, i, shards.Count);
            var content = new SafetensorsContent(shards[i], whole.Metadata);
            if (!set.Add(name, content.Length, content.WriteTo).TryGet(out _, out var fault)) return fault;
            foreach (var tensor in shards[i]) fileOf.Add(tensor.Name, name);
        }
        // The index comes last: without it the shards are not yet a model.
        var index = new SafetensorsIndex(fileOf).ToJson(whole.Bytes);
        return set.Add($"{stem}.safetensors.index.json", index.Length, file => file.Write(index));
    }

    private static string ShardName(string stem, int index, int count) => string.Create(CultureInfo.InvariantCulture, $"{stem}-{index + 1:D5}-of-{count:D5}.safetensors");

    private static List<List<TensorToWrite>> Split(IReadOnlyList<TensorToWrite> tensors, long shardBytes)
    {
        List<List<TensorToWrite>> shards = [[]];
        var used = 0L;
        foreach (var tensor in tensors)
        {
            var bytes = SafetensorsContent.ByteCount(tensor);
            if (shards[^1].Count > 0 && used + bytes > shardBytes)
            {
                shards.Add([]);
                used = 0;
            }
            shards[^1].Add(tensor);
            used += bytes;
        }
        return shards;
    }

    private static Unit RemoveOthers(PendingSet set, string stem)
    {
        var form = new Regex($@"^{Regex.Escape(stem)}(-\d{{5}}-of-\d{{5}})?\.safetensors(\.index\.json)?$", RegexOptions.CultureInvariant);
        foreach (var path in set.Disk.Files(set.Folder).Where(path => form.IsMatch(Path.GetFileName(path)) && !set.Names.Contains(Path.GetFileName(path))))
            set.Disk.Delete(path);
        return Unit.Value;
    }
}
