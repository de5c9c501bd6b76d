using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Pipeline;
using LeapAlign.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using static TorchSharp.torch;

namespace LeapAlign.Models.Sd3.Tests;

/// <summary>Opens model folders as a run does.</summary>
internal static class TestModel
{
    public static string Folder => Path.Combine(Repository.Models, "tiny-sd3");

    public static Sd3Model Open(string? folder = null, ScalarType type = ScalarType.Float32, List<Fault>? warnings = null) =>
        Recording.Require(TryOpen(folder ?? Folder, type, warnings));

    public static Result<Sd3Model> TryOpen(string folder, ScalarType type = ScalarType.Float32, List<Fault>? warnings = null) =>
        TryOpen(new Sd3Settings { Folder = folder }, type, warnings);

    public static Result<Sd3Model> TryOpen(Sd3Settings settings, ScalarType type = ScalarType.Float32, List<Fault>? warnings = null, params IReadOnlyList<AskedSize> sizes) =>
        Sd3Model.Load(settings, new PartContext
        {
            Name = "sd3",
            BaseFolder = Repository.Root,
            Device = CPU,
            ComputeType = type,
            Sizes = sizes,
            Logger = NullLogger.Instance,
            Warn = fault => warnings?.Add(fault),
        });

    /// <summary>A copy of the embedded model that a test may damage.</summary>
    public static string Copy()
    {
        var target = Directory.CreateTempSubdirectory("leapalign-sd3-").FullName;
        Repository.CopyFolder(Folder, target);
        return target;
    }
}
