using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using LeapAlign.Host.Kernel;
using LeapAlign.Host.Reports;
using LeapAlign.Host.Runs.Folders;
using LeapAlign.Host.Runs.Records;
using LeapAlign.Storage.Disks;

namespace LeapAlign.Host.Tests.Reports;

/// <summary>A run folder that a test writes line by line.</summary>
internal sealed class WrittenRun : IDisposable
{
    private readonly string _parent = Directory.CreateTempSubdirectory("leapalign-report-").FullName;

    public WrittenRun(string name = "run", int batch = 2, int accumulation = 1)
    {
        Folder = RunFolder.At(Path.Combine(_parent, name));
        Directory.CreateDirectory(Folder.Path);
        Settings = new JsonObject
        {
            ["run"] = new JsonObject { ["name"] = name, ["steps"] = 10, ["batch"] = batch, ["accumulation"] = accumulation },
            ["model"] = new JsonObject { ["id"] = "sd3", ["settings"] = new JsonObject { ["folder"] = "models/some-model" } },
            ["algorithm"] = new JsonObject { ["id"] = "leapalign", ["settings"] = new JsonObject { ["alpha"] = 0.3 } },
            ["rewards"] = new JsonArray(Reward("clip", "train"), Reward("judge", "heldOut")),
        };
    }

    public RunFolder Folder { get; }

    /// <summary>plugins.resolved.json; written when the run is read.</summary>
    public JsonObject Settings { get; }

    public string Lines { get; set; } = "";

    /// <summary>Appends a step that took <paramref name="seconds"/>, half of them in the velocity network.</summary>
    public WrittenRun Step(int step, double loss = 1, double evaluations = 10, double seconds = 4, string choices = "{}")
    {
        var (all, half) = (Text(seconds), Text(seconds / 2));
        Lines += $$$"""
            {"kind":"step","step":{{{step}}},"loss":{{{Text(loss)}}},"rewards":{"clip":0.5},"gradientNorm":2,"rate":0.1,"updates":1,"evaluations":{{{Text(evaluations)}}},"gradientEvaluations":2,"measurements":{"weight":5},"choices":{{{choices}}},"timings":{"seconds":{{{all}}},"stages":{"velocity":{{{half}}},"backward":{{{Text(seconds / 4)}}} } } }

            """;
        return this;
    }

    /// <summary>Appends an evaluation.</summary>
    public WrittenRun Evaluation(int step, double clip, double judge = 0.5, string samples = "[]")
    {
        Lines += $$$"""
            {"kind":"evaluation","step":{{{step}}},"rewards":{"clip":{{{Text(clip)}}},"judge":{{{Text(judge)}}} },"tasks":{"clip":{"colors":0.25}},"images":8,"samples":{{{samples}}},"timings":{"seconds":3} }

            """;
        return this;
    }

    /// <summary>Appends a preview of the evaluation before.</summary>
    public WrittenRun Preview(int step, string name, double clip, string samples = "[]")
    {
        Lines += $$$"""
            {"kind":"preview","step":{{{step}}},"preview":"{{{name}}}","size":"32x16","samplingSteps":28,"guidance":5,"rewards":{"clip":{{{Text(clip)}}},"judge":0.5},"tasks":{},"measures":{"fine detail":0.5},"images":8,"evaluations":56,"samples":{{{samples}}},"timings":{"seconds":7} }

            """;
        return this;
    }

    /// <summary>Writes run.json.</summary>
    public WrittenRun Record(string? model = null, IReadOnlyList<ChoicePair>? pairs = null)
    {
        var when = DateTimeOffset.UnixEpoch;
        File.WriteAllBytes(Folder.Record, new RunRecord("0", when, when, RunState.Completed, null, new Dictionary<string, string>(), []) { Model = model, Pairs = pairs }.ToJson());
        return this;
    }

    /// <summary>Writes what has changed. Who reads meanwhile sees the file before or after, as a run that appends lines to it would show them.</summary>
    public WrittenRun Save()
    {
        Write(Folder.Resolved, Settings.ToJsonString());
        Write(Folder.Metrics, Lines);
        return this;
    }

    public RecordedRun Read()
    {
        Save();
        return RunReader.Read(Folder).Value();
    }

    public void Dispose() => Directory.Delete(_parent, recursive: true);

    private static void Write(string path, string text)
    {
        if (!File.Exists(path) || File.ReadAllText(path) != text) WholeFile.Write(path, Encoding.UTF8.GetBytes(text)).Value();
    }

    private static JsonObject Reward(string name, string role) => new() { ["id"] = "clip", ["name"] = name, ["role"] = role };

    private static string Text(double value) => double.IsFinite(value) ? value.ToString("R", CultureInfo.InvariantCulture) : $"\"{value.ToString(CultureInfo.InvariantCulture)}\"";
}
