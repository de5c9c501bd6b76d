using System.Globalization;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Runs;

/// <summary>The folder of one run, <c>runs/&lt;name&gt;/</c>.</summary>
internal sealed class RunFolder
{
    private RunFolder(string path) => Path = path;

    /// <summary>Its full path.</summary>
    public string Path { get; }

    public string Name => System.IO.Path.GetFileName(Path);

    public string Resolved => System.IO.Path.Combine(Path, "plugins.resolved.json");

    public string Metrics => System.IO.Path.Combine(Path, "metrics.jsonl");

    public string Export => System.IO.Path.Combine(Path, "export");

    /// <summary>What the run is, where it runs and how far it is.</summary>
    public string Record => System.IO.Path.Combine(Path, "run.json");

    public string Report => System.IO.Path.Combine(Path, "report.html");

    /// <summary>The folder of TensorBoard's event files.</summary>
    public string Events => System.IO.Path.Combine(Path, "tensorboard");

    /// <summary>The grid of an evaluation.</summary>
    public string Sample(int step) => SampleStem(step) + ".png";

    /// <summary>One picture of that grid, as it is.</summary>
    public string Sample(int step, int number) => System.IO.Path.Combine(SampleStem(step), string.Create(CultureInfo.InvariantCulture, $"{number:D2}.png"));

    private string SampleStem(int step) => System.IO.Path.Combine(Path, "samples", string.Create(CultureInfo.InvariantCulture, $"step-{step:D4}"));

    /// <summary>A folder that is there.</summary>
    public static RunFolder At(string path) => new(System.IO.Path.TrimEndingDirectorySeparator(System.IO.Path.GetFullPath(path)));

    /// <summary>
    /// Makes the folder. One that exists is never written over: the name gets a number behind it, or, with <paramref name="force"/>, the old folder is
    /// replaced.
    /// </summary>
    public static Result<RunFolder> Create(string parent, string name, bool force)
    {
        if (name.Length == 0 || name is "." or ".." || name.AsSpan().IndexOfAny(System.IO.Path.GetInvalidFileNameChars()) >= 0)
            return new Fault.Configuration(FaultCodes.UnknownValue, $"'{name}' cannot be the name of a run's folder", new SourcePlace("plugins.json", Key: "run.name"));
        try
        {
            Directory.CreateDirectory(parent);
            var path = System.IO.Path.Combine(parent, name);
            if (force)
            {
                if (Directory.Exists(path)) Directory.Delete(path, recursive: true);
            }
            else
            {
                for (var number = 2; System.IO.Path.Exists(path); number++) path = System.IO.Path.Combine(parent, string.Create(CultureInfo.InvariantCulture, $"{name}-{number}"));
            }
            Directory.CreateDirectory(path);
            Directory.CreateDirectory(System.IO.Path.Combine(path, "samples"));
            return new RunFolder(path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return CannotWrite(System.IO.Path.Combine(parent, name), exception);
        }
    }

    /// <summary>Makes a folder inside, if it is not there.</summary>
    public static Result<Unit> Make(string path)
    {
        try
        {
            Directory.CreateDirectory(path);
            return Unit.Value;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return CannotWrite(path, exception);
        }
    }

    /// <summary>Writes a whole file aside and renames it: it is there whole or not at all.</summary>
    public static Result<Unit> Write(string path, ReadOnlySpan<byte> content)
    {
        var aside = path + ".part";
        try
        {
            using (var file = new FileStream(aside, FileMode.Create, FileAccess.Write))
            {
                file.Write(content);
                file.Flush(flushToDisk: true);
            }
            File.Move(aside, path, overwrite: true);
            return Unit.Value;
        }
        // .NET reports a limit on the size of files as an argument that is out of range.
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentOutOfRangeException)
        {
            TryDelete(aside);
            return CannotWrite(path, exception);
        }
    }

    public static Fault CannotWrite(string path, Exception exception) =>
        new Fault.Run(FaultCodes.CannotWrite, $"cannot be written: {exception.Message}", new SourcePlace(path));

    private static void TryDelete(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // The fault that is about to be reported says why the folder cannot be written.
        }
    }
}
