using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Pipeline;
using LeapAlign.Storage.Safetensors;
using LeapAlign.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Tests.Models;

/// <summary>Exports of what an adapter trained: the source's weights, with an update of some layers added in fp32.</summary>
public sealed class MergedExportTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("leapalign-merged-").FullName;
    private readonly TorchSharp.DisposeScope _scope = NewDisposeScope();

    [Theory]
    [InlineData("sd3", null)]
    [InlineData("sd3", ScalarType.Float32)]
    [InlineData("flux", null)]
    [InlineData("flux", ScalarType.Float32)]
    [InlineData("flux", ScalarType.BFloat16)]
    [InlineData("z-image", null)]
    [InlineData("z-image", ScalarType.Float32)]
    public void The_file_is_the_sources_weight_and_the_update_added_in_fp32(string family, ScalarType? type)
    {
        // The model keeps its weights in bf16 and the file is more exact: what is merged is the file.
        var model = Open(family);
        using var owner = (IDisposable)model;
        var updates = Updates(model);
        var made = 0;
        Recording.Require(model.Export(new ExportRequest(At("export"), type)
        {
            Updates = updates.ToDictionary(static pair => pair.Key, pair => (Func<Tensor>)(() =>
            {
                made++;
                return pair.Value.clone();
            })),
        }));
        Assert.Equal(updates.Count, made);
        using var source = Recording.Require(SafetensorsFolder.Open(Path.Combine(Source(family), "transformer")));
        using var written = Recording.Require(SafetensorsFolder.Open(Path.Combine(At("export"), "transformer")));
        Assert.Equal(source.Entries.Keys.Order(StringComparer.Ordinal), written.Entries.Keys.Order(StringComparer.Ordinal));
        foreach (var (name, entry) in source.Entries)
        {
            var expected = Recording.Require(source.Read(name));
            if (updates.TryGetValue(name.Replace(".weight", "", StringComparison.Ordinal), out var update) && name.EndsWith(".weight", StringComparison.Ordinal)) expected = expected.to(ScalarType.Float32) + update;
            Assert.Equal(type ?? entry.Type, written.Entries[name].Type);
            Assert.True(expected.to(type ?? entry.Type).equal(Recording.Require(written.Read(name))).all().item<bool>(), name);
        }
    }

    [Theory]
    [InlineData("sd3", "int8")]
    [InlineData("flux", "nf4")]
    [InlineData("z-image", "int8")]
    public void What_was_quantised_is_dequantised_and_updated_and_a_warning_says_so(string family, string quantization)
    {
        List<Fault> warnings = [];
        var model = Open(family, quantization: quantization, warnings: warnings);
        using var owner = (IDisposable)model;
        var updates = Updates(model);
        var export = new ExportRequest(At("export"), ScalarType.Float32) { Updates = updates.ToDictionary(static pair => pair.Key, static pair => (Func<Tensor>)(() => pair.Value.clone())) };
        Assert.Empty(warnings);
        var bytes = Recording.Require(model.CheckExport(export));
        Assert.Equal(FaultCodes.QuantisedMerge, Assert.Single(warnings).Code);
        Assert.Contains(quantization, warnings[0].Message, StringComparison.Ordinal);
        Recording.Require(model.Export(export));
        Assert.Equal(bytes, Directory.EnumerateFiles(At("export"), "*", SearchOption.AllDirectories).Sum(static file => new FileInfo(file).Length));
        var weights = SmallFamilies.Weights(model);
        Assert.InRange(weights.All.Count(static weight => weight.IsQuantised), 10, weights.All.Count / 2);
        using var written = Recording.Require(SafetensorsFolder.Open(Path.Combine(At("export"), "transformer")));
        using var source = Recording.Require(SafetensorsFolder.Open(Path.Combine(Source(family), "transformer")));
        foreach (var weight in weights.All)
        {
            var expected = weight.IsQuantised ? weight.Value : Recording.Require(source.Read(weight.FileName)).to(ScalarType.Float32);
            if (updates.TryGetValue(weight.Name.Replace(".weight", "", StringComparison.Ordinal), out var update) && weight.Name.EndsWith(".weight", StringComparison.Ordinal)) expected += update;
            Assert.True(expected.equal(Recording.Require(written.Read(weight.FileName))).all().item<bool>(), weight.Name);
        }
    }

    [Theory]
    [InlineData("sd3")]
    [InlineData("flux")]
    public void Weights_that_are_trained_are_not_quantised(string family)
    {
        var fault = TryOpen(family, null, "int8", [], isFrozen: false).Match<Fault?>(static _ => null, static fault => fault);
        Assert.Equal(FaultCodes.SettingsDoNotFit, fault?.Code);
        Assert.Contains("adapter", fault!.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Without_weights_and_updates_an_export_is_the_source_bit_for_bit()
    {
        var model = Open("flux");
        using var owner = (IDisposable)model;
        Recording.Require(model.Export(new ExportRequest(At("export"), null)));
        using var source = Recording.Require(SafetensorsFolder.Open(Path.Combine(Source("flux"), "transformer")));
        using var written = Recording.Require(SafetensorsFolder.Open(Path.Combine(At("export"), "transformer")));
        Assert.All(source.Entries.Keys, name => Assert.Equal(Recording.Require(source.Read(name)).bytes.ToArray(), Recording.Require(written.Read(name)).bytes.ToArray()));
    }

    [Fact]
    public void An_update_of_another_shape_is_a_fault_that_leaves_nothing_and_one_of_no_layer_a_mistake()
    {
        var model = Open("flux");
        using var owner = (IDisposable)model;
        var site = model.Sites[0];
        // One row would be added to all of them.
        var fault = model.Export(new ExportRequest(At("export"), null) { Updates = new Dictionary<string, Func<Tensor>> { [site.Name] = () => ones(1, site.Inputs) } })
            .Match<Fault?>(static _ => null, static fault => fault);
        Assert.Contains(site.Name, fault?.Message, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(_folder));
        Assert.Throws<ArgumentException>(() => model.Export(new ExportRequest(At("export"), null) { Updates = new Dictionary<string, Func<Tensor>> { ["nowhere"] = () => ones(1) } }));
    }

    [Fact]
    public void A_source_whose_weights_are_others_by_now_is_a_fault_that_leaves_nothing()
    {
        Repository.CopyFolder(Source("flux"), At("source"));
        var model = Open("flux", At("source"));
        using var owner = (IDisposable)model;
        Recording.Require(SafetensorsWriter.Write(Path.Combine(At("source"), "transformer", "diffusion_pytorch_model.safetensors"), [new TensorToWrite("other", ones(1), ScalarType.Float32)]));
        var fault = model.Export(new ExportRequest(At("export"), null)).Match<Fault?>(static _ => null, static fault => fault);
        Assert.Equal(FaultCodes.DamagedWeights, fault?.Code);
        Assert.Equal([At("source")], Directory.GetFileSystemEntries(_folder));
    }

    public void Dispose()
    {
        _scope.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private static Dictionary<string, Tensor> Updates(IModel model) => new[] { model.Sites[0], model.Sites[model.Sites.Count / 2], model.Sites[^1] }
        .Select(static (site, index) => (site, index))
        .ToDictionary(static pair => pair.site.Name, static pair => RandomKey.OfRun(pair.index).Normal([pair.site.Outputs, pair.site.Inputs], CPU));

    private static string Source(string family) => SmallFamilies.Source(family);

    private IModel Open(string family, string? folder = null, string quantization = "none", List<Fault>? warnings = null) => Recording.Require(TryOpen(family, folder, quantization, warnings ?? []));

    private Result<IModel> TryOpen(string family, string? folder, string quantization, List<Fault> warnings, bool isFrozen = true)
    {
        var context = new PartContext
        {
            Name = family,
            BaseFolder = Repository.Root,
            Device = CPU,
            ComputeType = ScalarType.BFloat16,
            IsFrozen = isFrozen,
            Logger = NullLogger.Instance,
            Warn = warnings.Add,
        };
        return SmallFamilies.Open(family, context, folder, quantization, At("cache"));
    }

    private string At(string name) => Path.Combine(_folder, name);
}
