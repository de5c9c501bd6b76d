using System.Security.Cryptography;

namespace LeapAlign.Storage.Disks;

/// <summary>What identifies the content of a file.</summary>
/// <param name="Bytes">Its length.</param>
/// <param name="Sha256">In lower-case hexadecimal digits.</param>
public sealed record FileSeal(long Bytes, string Sha256);

/// <summary>A disk that remembers length and SHA-256 of the files that are written to it, taken on the way: nothing is read again.</summary>
/// <param name="disk">Where the files go.</param>
public sealed class SealingDisk(IDisk disk) : IDisk
{
    private readonly Dictionary<string, FileSeal> _seals = new(StringComparer.Ordinal);

    /// <summary>The seals of complete files by path.</summary>
    public IReadOnlyDictionary<string, FileSeal> Seals => _seals;

    /// <summary>Takes the seal of a file that another wrote: it goes along when the file is moved.</summary>
    public void Trust(string path, FileSeal seal) => _seals[path] = seal;

    /// <inheritdoc/>
    public IDiskFile Create(string path, long length) => new Sealing(disk.Create(path, length), found => _seals[path] = found);

    /// <inheritdoc/>
    public void CreateFolder(string path) => disk.CreateFolder(path);

    /// <inheritdoc/>
    public void Move(string from, string to)
    {
        disk.Move(from, to);
        if (_seals.Remove(from, out var found)) _seals[to] = found;
    }

    /// <inheritdoc/>
    public void Delete(string path)
    {
        disk.Delete(path);
        _seals.Remove(path);
    }

    /// <inheritdoc/>
    public bool FileExists(string path) => disk.FileExists(path);

    /// <inheritdoc/>
    public bool FolderExists(string path) => disk.FolderExists(path);

    /// <inheritdoc/>
    public IReadOnlyList<string> Files(string folder) => disk.Files(folder);

    /// <inheritdoc/>
    public IReadOnlyList<string> Folders(string folder) => disk.Folders(folder);

    /// <inheritdoc/>
    public void Flush(string folder) => disk.Flush(folder);

    private sealed class Sealing(IDiskFile file, Action<FileSeal> seal) : IDiskFile
    {
        private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        private long _bytes;
        private bool _flushed;

        public void Write(ReadOnlySpan<byte> bytes)
        {
            file.Write(bytes);
            _hash.AppendData(bytes);
            _bytes += bytes.Length;
        }

        public void Flush()
        {
            file.Flush();
            _flushed = true;
        }

        public void Dispose()
        {
            file.Dispose();
            // A file that was given up before it was flushed is not complete.
            if (_flushed) seal(new FileSeal(_bytes, Convert.ToHexStringLower(_hash.GetHashAndReset())));
            _hash.Dispose();
        }
    }
}
