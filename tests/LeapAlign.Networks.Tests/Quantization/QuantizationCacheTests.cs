using LeapAlign.Contracts.Adapters;
using LeapAlign.Networks.Layers;
using LeapAlign.Networks.Quantization;
using LeapAlign.Networks.Weights;
using LeapAlign.Pipeline;
using LeapAlign.Storage.Safetensors;
using LeapAlign.Testing;
using static TorchSharp.torch;
using Form = LeapAlign.Networks.Quantization.Quantization;

namespace LeapAlign.Networks.Tests.Quantization;

/// <summary>Quantised weights on the disk: made once for a content, whatever it is called, and never half.</summary>
public sealed class QuantizationCacheTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("leapalign-cache-").FullName;
    private readonly TorchSharp.DisposeScope _scope = NewDisposeScope();
    private readonly List<string> _said = [];

    private string Cache => Path.Combine(_folder, "cache");

    [Fact]
    public void A_content_is_quantised_once_also_under_another_name_and_another_content_again()
    {
        var first = Opened(Model("one", 1), "int8");
        Assert.Single(_said);
        Assert.Equal(first, Opened(Model("one"), "int8"));
        Assert.Equal(first, Opened(Model("two", 1), "int8"));
        Assert.Single(_said);
        Assert.NotEqual(first, Opened(Model("three", 2), "int8"));
        Assert.NotEqual(first, Opened(Model("one"), "nf4"));
        Assert.Equal(3, _said.Count);
        // The same path with another content.
        Assert.NotEqual(first, Opened(Model("one", 3), "int8"));
        Assert.Equal(4, _said.Count);
    }

    [Fact]
    public void The_hash_of_files_that_have_settled_is_remembered_and_forgotten_when_they_change()
    {
        var model = Model("one", 1);
        var file = Directory.GetFiles(model).Single();
        File.SetLastWriteTimeUtc(file, new DateTime(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc));
        var first = Opened(model, "int8");
        var remembered = Directory.GetFiles(Cache, "*.hash").Single();
        File.WriteAllText(remembered, new string('0', 64));
        Assert.NotEqual(first, Opened(model, "int8"));
        File.SetLastWriteTimeUtc(file, new DateTime(2026, 1, 2, 0, 0, 0, DateTimeKind.Utc));
        Assert.Equal(first, Opened(model, "int8"));
    }

    [Fact]
    public void A_damaged_file_is_made_again()
    {
        var model = Model("one", 1);
        var first = Opened(model, "int8");
        var bytes = File.ReadAllBytes(first);
        File.WriteAllBytes(first, bytes[..^1]);
        Assert.Equal(first, Opened(model, "int8"));
        Assert.Equal(bytes, File.ReadAllBytes(first));
        Assert.Equal(2, _said.Count);
    }

    [Fact]
    public async Task Of_several_that_begin_at_once_one_quantises()
    {
        var model = Model("one", 1);
        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() => Opened(model, "int8"))));
        Assert.Single(_said);
    }

    [Fact]
    public void A_disk_that_refuses_is_a_fault_that_leaves_nothing_half_written()
    {
        // Every call to the disk fails once.
        var counting = new CrashingDisk(-1, Trouble.Refusal);
        Assert.True(Open(Model("one", 1), "int8", Kept("counted", counting)).IsOk);
        Assert.InRange(counting.Calls, 4, 100);
        for (var failing = 0; failing < counting.Calls; failing++)
        {
            var opened = Open(Model("one"), "int8", Kept($"cache{failing}", new CrashingDisk(failing, Trouble.Refusal)));
            Assert.Equal(FaultCodes.CannotWrite, opened.Match(static _ => "", static fault => fault.Code));
            var left = Directory.Exists(Path.Combine(_folder, $"cache{failing}")) ? Directory.GetFiles(Path.Combine(_folder, $"cache{failing}")) : [];
            // What took its name is whole; only that its name is on the disk failed then.
            Assert.All(left.Where(static path => !path.EndsWith(".lock", StringComparison.Ordinal)), path => Assert.True(SafetensorsFile.Open(path).IsOk, path));
            Assert.True(Open(Model("one"), "int8", Kept($"cache{failing}", new CrashingDisk(-1, Trouble.Refusal))).IsOk);
        }
    }

    [Fact]
    public void A_folder_that_is_a_file_is_refused_with_the_setting_that_names_another()
    {
        File.WriteAllText(Cache, "");
        var fault = Open(Model("one", 1), "int8", new QuantizationCache(Cache)).Match<Fault?>(static _ => null, static fault => fault);
        Assert.Equal(FaultCodes.CannotWrite, fault?.Code);
        Assert.Contains("quantizationCache", fault!.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Who_asks_to_stop_is_heard()
    {
        using var stop = new CancellationTokenSource();
        stop.Cancel();
        Assert.ThrowsAny<OperationCanceledException>(() => Open(Model("one", 1), "int8", new QuantizationCache(Cache, stop: stop.Token)));
        Assert.Empty(Directory.GetFiles(Cache, "*.safetensors"));
    }

    public void Dispose()
    {
        _scope.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private string Model(string name, float? value = null)
    {
        var folder = Path.Combine(_folder, name);
        Directory.CreateDirectory(folder);
        if (value is { } number) Recording.Require(SafetensorsWriter.WriteFolder(folder, "model", [new TensorToWrite("layer.weight", full([8, 64], number), float32), new TensorToWrite("layer.bias", zeros(8), float32)]));
        return folder;
    }

    private QuantizationCache Kept(string name, CrashingDisk disk) => new(Path.Combine(_folder, name), disk: disk);

    private string Opened(string model, string form)
    {
        using var file = Recording.Require(Open(model, form, new QuantizationCache(Cache, text =>
        {
            lock (_said) _said.Add(text);
        })));
        return file.Location;
    }

    private static Result<SafetensorsFile> Open(string model, string form, QuantizationCache cache)
    {
        using var network = new WeightSet();
        _ = new Linear(network.Root / "layer", 64, 8, role: SiteRole.Attention);
        using var source = Recording.Require(SafetensorsFolder.Open(model));
        return cache.Open(source, [.. network.All.Where(static weight => weight.IsQuantisable).Select(static weight => (weight, weight.Name))], Form.Of(form)!);
    }
}
