using System.Globalization;
using System.Text.Json.Nodes;
using LeapAlign.Host.Composition;
using LeapAlign.Host.Configuration.Schema;

namespace LeapAlign.Host.Diagnostics;

/// <summary>Whether the files and folders that settings name can be read.</summary>
internal static class PathChecks
{
    /// <summary>Looks at every setting of a plan that its part declares to be a path.</summary>
    public static IEnumerable<Finding> Run(RunPlan plan)
    {
        foreach (var part in plan.Parts)
        {
            var settings = JsonNode.Parse(part.Definition.WriteSettings(part.Settings));
            foreach (var setting in PathSettings.Of(part.Definition))
            {
                if (setting.In(settings) is { } path) yield return Finding.Of($"{part.Definition.Kind} {part.Name}", () => $"{setting.Key}: {Read(Path.GetFullPath(path, plan.BaseFolder))}");
            }
        }
    }

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
