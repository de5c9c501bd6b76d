using LeapAlign.Storage.Disks;

namespace LeapAlign.Testing;

/// <summary>What a crash, or a disk that refuses, does at one of the calls.</summary>
public enum Trouble
{
    /// <summary>The process is gone: nothing after the call happens, and what was not flushed is lost or cut.</summary>
    Crash,

    /// <summary>The same, and names that were not flushed are lost as well.</summary>
    PowerLoss,

    /// <summary>The call fails, a write after half of its bytes, and the process goes on.</summary>
    Refusal,
}

/// <summary>Thrown where the process would be gone.</summary>
public sealed class CrashException : Exception;

/// <summary>A disk on which trouble comes at the call of a number. Without trouble it counts. Looking at names is no such call: a crash before it is one after the call before.</summary>
/// <param name="at">The call, from 0.</param>
/// <param name="trouble">What comes.</param>
public sealed class CrashingDisk(int at, Trouble trouble) : IDisk
{
    private readonly HashSet<string> _unflushed = [];
    private List<(string? From, string To)> _unflushedNames = [];
    private bool _crashed;

    /// <summary>Calls so far.</summary>
    public int Calls { get; private set; }

    /// <inheritdoc/>
    public IDiskFile Create(string path, long length)
    {
        Come();
        _unflushed.Add(path);
        if (!File.Exists(path)) _unflushedNames.Add((null, path));
        return new DiskFile(this, path, SystemDisk.Instance.Create(path, length));
    }

    /// <inheritdoc/>
    public void CreateFolder(string path)
    {
        Come();
        var made = new Stack<string>();
        for (var folder = path; !Directory.Exists(folder); folder = Path.GetDirectoryName(folder)!) made.Push(folder);
        foreach (var folder in made) _unflushedNames.Add((null, folder));
        SystemDisk.Instance.CreateFolder(path);
    }

    /// <inheritdoc/>
    public void Move(string from, string to)
    {
        Come();
        SystemDisk.Instance.Move(from, to);
        if (_unflushed.Remove(from)) _unflushed.Add(to);
        _unflushedNames = [.. _unflushedNames.Select(move => (move.From is { } old ? Moved(old) : null, Moved(move.To))), (from, to)];

        // What lies in a folder has another path when the folder has another name.
        string Moved(string path) => path.StartsWith(from + Path.DirectorySeparatorChar, StringComparison.Ordinal) ? to + path[from.Length..] : path;
    }

    /// <inheritdoc/>
    public void Delete(string path)
    {
        // A folder goes file by file.
        Come(() =>
        {
            if (!Directory.Exists(path)) return;
            var files = Directory.GetFiles(path);
            foreach (var file in files[..((files.Length + 1) / 2)]) File.Delete(file);
        });
        SystemDisk.Instance.Delete(path);
    }

    /// <inheritdoc/>
    public bool FileExists(string path) => Looked(() => SystemDisk.Instance.FileExists(path));

    /// <inheritdoc/>
    public bool FolderExists(string path) => Looked(() => SystemDisk.Instance.FolderExists(path));

    /// <inheritdoc/>
    public IReadOnlyList<string> Files(string folder) => Looked(() => SystemDisk.Instance.Files(folder));

    /// <inheritdoc/>
    public IReadOnlyList<string> Folders(string folder) => Looked(() => SystemDisk.Instance.Folders(folder));

    /// <inheritdoc/>
    public void Flush(string folder)
    {
        Come();
        SystemDisk.Instance.Flush(folder);
        _unflushedNames.RemoveAll(move => Path.GetDirectoryName(move.To) == folder);
    }

    /// <summary>Loses what was not flushed.</summary>
    public void PowerOff()
    {
        foreach (var (from, to) in Enumerable.Reverse(_unflushedNames).Where(static move => Path.Exists(move.To)))
        {
            if (from is null) SystemDisk.Instance.Delete(to);
            else if (!Path.Exists(from)) SystemDisk.Instance.Move(to, from);
        }
        _unflushedNames.Clear();
        // The system had not written these yet: whatever is there of them is cut.
        foreach (var path in _unflushed.Where(File.Exists))
        {
            using var file = new FileStream(path, FileMode.Open);
            file.SetLength(file.Length / 2);
        }
    }

    private T Looked<T>(Func<T> look) => _crashed ? throw new CrashException() : look();

    private void Come(Action? half = null)
    {
        if (_crashed) throw new CrashException();
        if (Calls++ != at) return;
        half?.Invoke();
        if (trouble == Trouble.Refusal) throw new IOException("No space left on device");
        _crashed = true;
        if (trouble == Trouble.Crash) _unflushedNames.Clear();
        PowerOff();
        throw new CrashException();
    }

    private sealed class DiskFile(CrashingDisk disk, string path, IDiskFile file) : IDiskFile
    {
        public void Write(ReadOnlySpan<byte> bytes)
        {
            var half = bytes[..(bytes.Length / 2)].ToArray();
            disk.Come(() => file.Write(half));
            file.Write(bytes);
        }

        public void Flush()
        {
            disk.Come();
            file.Flush();
            disk._unflushed.Remove(path);
        }

        public void Dispose() => file.Dispose();
    }
}
