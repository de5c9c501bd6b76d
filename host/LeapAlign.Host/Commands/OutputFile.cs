using LeapAlign.Pipeline;

namespace LeapAlign.Host.Commands;

/// <summary>A file that a verb will write.</summary>
internal static class OutputFile
{
    /// <summary>Whether it can be one, before work that may take long: it is no folder, and its folder is there.</summary>
    /// <param name="path">The file.</param>
    public static Result<Unit> CanBe(string path) => (Directory.Exists(path), Directory.Exists(Path.GetDirectoryName(Path.GetFullPath(path)))) switch
    {
        (true, _) => new Fault.Run(FaultCodes.CannotWrite, "it is a folder; expected a file to write", new SourcePlace(path)),
        (_, false) => new Fault.Run(FaultCodes.CannotWrite, "its folder does not exist", new SourcePlace(path)),
        _ => Unit.Value,
    };
}
