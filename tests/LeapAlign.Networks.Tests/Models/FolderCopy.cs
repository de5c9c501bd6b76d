using System.Text.Json.Nodes;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Pipeline;
using LeapAlign.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Tests.Models;

/// <summary>A copy of a recorded pipeline's folder that a test may change.</summary>
internal abstract class FolderCopy : IDisposable
{
    private readonly string _name;

    protected FolderCopy(string fixture, string name)
    {
        _name = name;
        Repository.CopyFolder(Repository.Fixture(fixture, "model"), Source);
    }

    public string Folder { get; } = Directory.CreateTempSubdirectory("leapalign-folder-").FullName;

    public string Source => At("source");

    public List<Fault> Warnings { get; } = [];

    public string At(params string[] parts) => Path.Combine([Folder, .. parts]);

    /// <summary>Sets a key of a JSON file of the folder.</summary>
    public void Set(string file, string key, JsonNode? value)
    {
        var path = Path.Combine(Source, file);
        var json = JsonNode.Parse(File.ReadAllText(path))!.AsObject();
        json[key] = value;
        File.WriteAllText(path, json.ToJsonString());
    }

    public static Fault FaultOf<T>(Result<T> result) => result.Match(static _ => throw new InvalidOperationException("it did not fail"), static fault => fault);

    public void Dispose() => Directory.Delete(Folder, recursive: true);

    protected PartContext Context(ScalarType type, bool frozen) => new()
    {
        Name = _name,
        BaseFolder = Repository.Root,
        Device = CPU,
        ComputeType = type,
        IsFrozen = frozen,
        Logger = NullLogger.Instance,
        Warn = Warnings.Add,
    };
}
