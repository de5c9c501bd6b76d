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

    public string Sample(int step) => System.IO.Path.Combine(Path, "samples", string.Create(CultureInfo.InvariantCulture, $"step-{step:D4}.png"));

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

    public static Fault CannotWrite(string path, Exception exception) =>
        new Fault.Run(FaultCodes.CannotWrite, $"cannot be written: {exception.Message}", new SourcePlace(path));
}
