using System.Globalization;
using System.Text.Json;
using LeapAlign.Host.Composition;

namespace LeapAlign.Host.Diagnostics;

/// <summary>Whether the files and folders that settings name can be read.</summary>
internal static class PathChecks
{
    // The host does not know what a plugin's settings mean; these words are the ones that name files in them.
    private static readonly string[] s_pathWords = ["folder", "path", "file", "model"];

    /// <summary>Looks at every setting of a plan that names a path.</summary>
    public static IEnumerable<Finding> Run(RunPlan plan)
    {
        foreach (var part in plan.Parts)
        {
            using var settings = JsonDocument.Parse(part.Definition.WriteSettings(part.Settings));
            var paths = settings.RootElement.EnumerateObject()
                .Where(pair => pair.Value.ValueKind == JsonValueKind.String && IsPath(pair.Name))
                .Select(pair => (pair.Name, Path: pair.Value.GetString()!));
            foreach (var (name, path) in paths)
            {
                yield return Finding.Of($"{part.Definition.Kind} {part.Name}", () => $"{name}: {Read(Path.GetFullPath(path, plan.BaseFolder))}");
            }
        }
    }

    private static bool IsPath(string key) => s_pathWords.Any(word => key.EndsWith(word, StringComparison.OrdinalIgnoreCase));

    private static string Read(string path)
    {
        var files = Directory.Exists(path) ? Directory.EnumerateFiles(path, "*", SearchOption.AllDirectories).ToArray() : [path];
        long bytes = 0;
        foreach (var file in files)
        {
            using var stream = File.OpenRead(file);
            bytes += stream.Length;
        }
        return string.Create(CultureInfo.InvariantCulture, $"{path} is readable, {files.Length} {(files.Length == 1 ? "file" : "files")}, {bytes / 1048576.0:0.0} MB");
    }
}
