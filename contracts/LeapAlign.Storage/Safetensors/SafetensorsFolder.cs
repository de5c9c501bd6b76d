using System.Text.RegularExpressions;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Storage.Safetensors;

/// <summary>
/// The weights of one component folder, as diffusers and transformers lay it out: one file, or shards with an index; also in a variant
/// (<c>model.fp16.safetensors</c>) when the folder has nothing else. All files stay open until it is disposed.
/// </summary>
public sealed partial class SafetensorsFolder : IWeightSource, IDisposable
{
    private const string DiffusersStem = "diffusion_pytorch_model";
    private static readonly string[] LibraryStems = [DiffusersStem, "model"];
    private static readonly string[] OtherForms = [".safetensors", ".bin", ".pt", ".pth", ".ckpt", ".gguf"];
    private readonly Dictionary<string, SafetensorsFile> _fileOf;

    private SafetensorsFolder(string location, string stem, Dictionary<string, SafetensorsFile> fileOf)
    {
        Location = location;
        Stem = stem;
        _fileOf = fileOf;
        Entries = fileOf.ToDictionary(pair => pair.Key, pair => pair.Value.Entries[pair.Key]);
    }

    /// <inheritdoc/>
    public string Location { get; }

    /// <summary>The name that its files begin with: <c>diffusion_pytorch_model</c> or <c>model</c>. Weights are saved under the same.</summary>
    public string Stem { get; }

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, WeightEntry> Entries { get; }

    /// <summary>A text that the files carry; null where none of them does.</summary>
    public string? Metadata(string key) => _fileOf.Values.Distinct().Select(file => file.Metadata.GetValueOrDefault(key)).FirstOrDefault(static text => text is not null);

    /// <summary>The paths of the files that hold tensors, in ordinal order.</summary>
    public IReadOnlyList<string> Files => [.. _fileOf.Values.Select(static file => file.Location).Distinct().Order(StringComparer.Ordinal)];

    /// <summary>Finds and opens the weights of a folder.</summary>
    /// <param name="folder">The component's folder, for instance <c>model/transformer</c>.</param>
    /// <param name="stems">What file names may begin with; those of diffusers and transformers when none is given.</param>
    /// <returns>
    /// <see cref="FaultCodes.ModelNotFound"/> when no weights are there, <see cref="FaultCodes.ShardMissing"/> when a shard is absent,
    /// <see cref="FaultCodes.DamagedWeights"/> when a file or the index is not what it should be.
    /// </returns>
    public static Result<SafetensorsFolder> Open(string folder, params string[] stems)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        ArgumentNullException.ThrowIfNull(stems);
        if (!Directory.Exists(folder)) return new Fault.Input(FaultCodes.ModelNotFound, "there is no such model folder", new SourcePlace(folder));
        if (stems.Length == 0) stems = LibraryStems;
        foreach (var stem in stems)
        {
            if (Ambiguous(folder, stem) is { } several) return several;
            if (Find(folder, stem) is { } path) return path.EndsWith(".json", StringComparison.Ordinal) ? OpenShards(folder, stem, path) : OpenFile(stem, path);
        }
        var names = string.Join(" or ", stems.Select(stem => $"{stem}.safetensors"));
        return new Fault.Input(FaultCodes.ModelNotFound, $"the folder holds no weights; expected {names}, or shards with an index{Instead(folder)}", new SourcePlace(folder));
    }

    /// <inheritdoc/>
    /// <exception cref="KeyNotFoundException">The name is not among <see cref="Entries"/>.</exception>
    public Result<Tensor> Read(string name) => _fileOf[name].Read(name);

    /// <inheritdoc/>
    /// <exception cref="KeyNotFoundException">The name is not among <see cref="Entries"/>.</exception>
    public Result<Tensor> Map(string name) => _fileOf[name].Map(name);

    /// <inheritdoc/>
    public Result<Unit> CheckMapped()
    {
        foreach (var file in _fileOf.Values.Distinct())
        {
            var check = file.CheckMapped();
            if (!check.IsOk) return check;
        }
        return Unit.Value;
    }

    /// <summary>Closes the files. Tensors over them stay valid.</summary>
    public void Dispose()
    {
        foreach (var file in _fileOf.Values) file.Dispose();
    }

    private static string? Find(string folder, string stem)
    {
        var plain = Path.Combine(folder, $"{stem}.safetensors");
        string[] both = [plain, $"{plain}.index.json"];
        // Where a folder has both, diffusers takes the shards and transformers the one file.
        if ((stem == DiffusersStem ? both.Reverse() : both).FirstOrDefault(File.Exists) is { } path) return path;
        // Variants in ordinal order, so that the choice does not depend on the file system.
        return Variants(folder, stem).FirstOrDefault();
    }

    private static Fault? Ambiguous(string folder, string stem)
    {
        var names = Variants(folder, stem).Select(path => Path.GetFileName(path)).ToArray();
        if (names.Length < 2 || File.Exists(Path.Combine(folder, $"{stem}.safetensors")) || File.Exists(Path.Combine(folder, $"{stem}.safetensors.index.json"))) return null;
        return new Fault.Input(FaultCodes.ModelNotFound, $"the folder holds the variants {string.Join(" and ", names)}, and no {stem}.safetensors; keep one of them, or give one that name", new SourcePlace(folder));
    }

    private static string Instead(string folder) =>
        Directory.EnumerateFiles(folder).Select(path => Path.GetFileName(path)).Where(static name => OtherForms.Contains(Path.GetExtension(name))).Order(StringComparer.Ordinal).FirstOrDefault()
            is { } other ? $"; '{other}' is neither" : "";

    private static IEnumerable<string> Variants(string folder, string stem) => Directory.EnumerateFiles(folder, $"{stem}.*")
        .Where(path => Variant().IsMatch(Path.GetFileName(path)[stem.Length..]))
        .Order(StringComparer.Ordinal);

    [GeneratedRegex(@"^(\.\w+\.safetensors|\.safetensors\.index\.\w+\.json)$", RegexOptions.CultureInvariant)]
    private static partial Regex Variant();

    private static Result<SafetensorsFolder> OpenFile(string stem, string path) =>
        SafetensorsFile.Open(path).Map(file => new SafetensorsFolder(path, stem, file.Entries.Keys.ToDictionary(name => name, _ => file)));

    private static Result<SafetensorsFolder> OpenShards(string folder, string stem, string indexPath)
    {
        if (!SafetensorsIndex.Read(indexPath).TryGet(out var index, out var wrong)) return wrong;
        var files = new Dictionary<string, SafetensorsFile>();
        var opened = Open(folder, indexPath, index, files);
        if (!opened.TryGet(out _, out wrong))
        {
            foreach (var file in files.Values) file.Dispose();
            return wrong;
        }
        return new SafetensorsFolder(indexPath, stem, Placed(index, files));
    }

    private static Result<Unit> Open(string folder, string indexPath, SafetensorsIndex index, Dictionary<string, SafetensorsFile> files)
    {
        foreach (var fileName in index.FileOf.Values.Distinct())
        {
            var path = Path.Combine(folder, fileName);
            if (!File.Exists(path))
                return new Fault.Input(FaultCodes.ShardMissing, $"the index names '{fileName}', which is not in the folder", new SourcePlace(indexPath));
            if (!SafetensorsFile.Open(path).TryGet(out var file, out var wrong)) return wrong;
            files.Add(fileName, file);
        }
        foreach (var (name, fileName) in index.FileOf)
        {
            if (!files[fileName].Entries.ContainsKey(name))
                return new Fault.Input(FaultCodes.DamagedWeights, $"tensor '{name}': the index places it in '{fileName}', which does not hold it", new SourcePlace(indexPath));
            foreach (var (other, copy) in files.Where(pair => pair.Key != fileName && pair.Value.Entries.ContainsKey(name)))
            {
                if (!Agree(files[fileName], copy, name).TryGet(out var agree, out var unread)) return unread;
                if (!agree) return new Fault.Input(FaultCodes.DamagedWeights, $"tensor '{name}': the index places it in '{fileName}', and '{other}' holds another one; shards of two versions are mixed", new SourcePlace(indexPath));
            }
        }
        return Unit.Value;
    }

    // The libraries take what the later shard holds, whatever the index says: where both are the same, so is the answer.
    private static Result<bool> Agree(SafetensorsFile one, SafetensorsFile other, string name)
    {
        if (one.Entries[name].Type != other.Entries[name].Type || !one.Entries[name].Shape.SequenceEqual(other.Entries[name].Shape)) return false;
        using var scope = NewDisposeScope();
        return one.Read(name).Bind(first => other.Read(name).Map(second => first.eq(second).all().item<bool>()));
    }

    // The libraries load every tensor of every shard, those too that the index does not name; the later shard prevails.
    private static Dictionary<string, SafetensorsFile> Placed(SafetensorsIndex index, Dictionary<string, SafetensorsFile> files)
    {
        var fileOf = index.FileOf.ToDictionary(pair => pair.Key, pair => files[pair.Value]);
        foreach (var (_, file) in files.OrderByDescending(pair => pair.Key, StringComparer.Ordinal))
        {
            foreach (var name in file.Entries.Keys) fileOf.TryAdd(name, file);
        }
        return fileOf;
    }
}
