using LeapAlign.Contracts.Models;
using LeapAlign.Networks.Weights;
using LeapAlign.Pipeline;
using LeapAlign.Pipelines;
using LeapAlign.Testing;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Tests.Pipelines;

/// <summary>Exports on a disk that crashes and refuses.</summary>
public sealed class PipelineExportTests : IDisposable
{
    private readonly string _folder = MemoryFolder.Create("leapalign-export-");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void At_whatever_call_trouble_comes_the_export_is_there_whole_or_the_one_before(bool before)
    {
        using var scope = NewDisposeScope();
        var small = new SmallPipeline(_folder);
        small.Export("new", 2, null);
        var whole = Content(Path.Combine(_folder, "new"));
        small.Export("old", 1, null);
        var old = Content(Path.Combine(_folder, "old"));
        Assert.NotEqual(old["transformer/diffusion_pytorch_model.safetensors"], whole["transformer/diffusion_pytorch_model.safetensors"]);
        var calls = Write(int.MaxValue, default);
        // Create, write and flush of each file, each folder, the weights, the renames.
        Assert.True(calls > (3 * whole.Count) + 8, $"{calls} calls");
        foreach (var trouble in Enum.GetValues<Trouble>())
        {
            for (var at = 0; at < calls; at++) Write(at, trouble);
        }

        int Write(int at, Trouble trouble)
        {
            var runs = Path.Combine(_folder, "run");
            if (Directory.Exists(runs)) Directory.Delete(runs, recursive: true);
            Directory.CreateDirectory(runs);
            if (before) small.Export("run/export", 1, null);
            var disk = new CrashingDisk(at, trouble);
            var written = false;
            var crashed = false;
            try
            {
                written = small.Export("run/export", 2, disk).IsOk;
            }
            catch (CrashException)
            {
                crashed = true;
            }
            if (written) disk.PowerOff();
            var path = Path.Combine(runs, "export");
            if (written) Assert.Equal(whole, Content(path));
            else if (Directory.Exists(path)) Assert.Contains(Content(path), before ? [old, whole] : new[] { whole });
            // A disk that only refuses is tidied up.
            if (!written && !crashed && at < int.MaxValue) Assert.DoesNotContain(Directory.GetFileSystemEntries(runs), static entry => entry.EndsWith(".partial", StringComparison.Ordinal));
            Assert.True(small.Export("run/export", 2, null).IsOk);
            Assert.Equal(whole, Content(path));
            return disk.Calls;
        }
    }

    private static SortedDictionary<string, string> Content(string folder) => new(
        Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).ToDictionary(file => Path.GetRelativePath(folder, file), static file => Convert.ToHexString(File.ReadAllBytes(file))), StringComparer.Ordinal);

    /// <summary>A pipeline of small files, of which only the export is looked at.</summary>
    private sealed class SmallPipeline
    {
        private readonly string _folder;
        private readonly PipelineExport _export;

        public SmallPipeline(string folder)
        {
            _folder = folder;
            string[] components = ["transformer", "vae", "scheduler", "text_encoder", "text_encoder_2", "tokenizer", "tokenizer_2"];
            foreach (var component in components)
            {
                Directory.CreateDirectory(Path.Combine(folder, "source", component));
                File.WriteAllText(Path.Combine(folder, "source", component, "config.json"), component);
            }
            Directory.CreateDirectory(Path.Combine(folder, "source", "tokenizer", "deep"));
            File.WriteAllText(Path.Combine(folder, "source", "tokenizer", "deep", "words"), "a b");
            File.WriteAllText(Path.Combine(folder, "source", "model_index.json"), "{}");
            var set = new WeightSet();
            set.Root.Weight("weight", 3);
            set.Allocate(CPU, ScalarType.Float32);
            _export = new PipelineExport(
                new PipelineFolder { Family = PipelineFamilies.StableDiffusion3, Folder = Path.Combine(folder, "source"), Components = components, Scheduling = new FlowScheduling() }, set, new ExportCard(256));
        }

        public Result<Unit> Export(string name, float value, Storage.Disks.IDisk? disk) => _export.Write(new ExportRequest(Path.Combine(_folder, name), null) { Weights = [full(3, value)] }, disk);
    }
}
