using System.Reflection;
using System.Text.Json.Nodes;
using LeapAlign.Testing;

namespace LeapAlign.Integration.Tests;

/// <summary>A folder with a plugins.json like the default one, made small: two captions, two steps, the embedded models.</summary>
internal sealed class Workspace : IDisposable
{
    private static readonly string s_testPlugins = typeof(Workspace).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(static attribute => attribute.Key == "TestPlugins").Value!;

    public Workspace()
    {
        Json = (JsonObject)JsonNode.Parse(File.ReadAllText(Path.Combine(Repository.Root, "plugins.json")))!;
        Json.Remove("$schema");
        // Two runs at a time share the cores of a small machine, and threads of one would wait for each other more than they compute.
        Json["run"] = new JsonObject { ["name"] = "small", ["steps"] = 2, ["batch"] = 2, ["threads"] = 1 };
        Json["sampler"] = new JsonObject { ["id"] = "flow-euler", ["settings"] = new JsonObject { ["steps"] = 4 } };
        Json["model"] = new JsonObject { ["id"] = "sd3", ["settings"] = new JsonObject { ["folder"] = Model } };
        Json["prompts"] = Prompts("train.txt");
        Json["evaluation"] = new JsonObject { ["every"] = 1, ["batch"] = 2, ["samples"] = 2, ["prompts"] = Prompts("eval.txt") };
        foreach (var reward in Json["rewards"]!.AsArray()) reward!["settings"]!["model"] = Path.Combine(Repository.Root, (string)reward["settings"]!["model"]!);
        Write("train.txt", "a red circle\ntwo blue squares\na green ring\n");
        Write("eval.txt", "a circle\na pink star\n");
        Save();
    }

    public static string Model => Path.Combine(Repository.Models, "tiny-sd3");

    public string Folder { get; } = Directory.CreateTempSubdirectory("leapalign-run-").FullName;

    /// <summary>plugins.json; <see cref="Save"/> writes it.</summary>
    public JsonObject Json { get; }

    public string At(params string[] parts) => Path.Combine([Folder, .. parts]);

    public void Write(string file, string text) => File.WriteAllText(At(file), text);

    public void Save() => Write("plugins.json", Json.ToJsonString(new() { WriteIndented = true }));

    /// <summary>Copies a plugin that was built for tests beside plugins.json.</summary>
    /// <returns>Its folder.</returns>
    public string AddTestPlugin(string plugin)
    {
        var target = At("plugins", plugin);
        Repository.CopyFolder(Path.Combine(s_testPlugins, plugin), target);
        return target;
    }

    public Outcome Leapalign(params string[] arguments) => BuiltHost.Run(Folder, arguments);

    /// <summary>The lines of a run's metrics.jsonl, all or those of a kind.</summary>
    public JsonNode[] Lines(string run, string? kind = null) =>
        [.. File.ReadLines(At("runs", run, "metrics.jsonl")).Select(static line => JsonNode.Parse(line)!).Where(line => kind is null || (string)line["kind"]! == kind)];

    /// <summary>A copy of a model folder that a test may damage.</summary>
    public string Copy(string model)
    {
        var target = At(Path.GetFileName(model));
        Repository.CopyFolder(model, target);
        return target;
    }

    public void Dispose() => Repository.DeleteFolder(Folder);

    /// <summary>The section of prompts that come from a file.</summary>
    public static JsonObject Prompts(string file) => new() { ["id"] = "file", ["settings"] = new JsonObject { ["path"] = file } };
}
