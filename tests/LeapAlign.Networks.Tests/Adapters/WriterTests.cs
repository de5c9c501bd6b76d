using System.Text.Json;
using LeapAlign.Adapters.Files;
using LeapAlign.Storage.Safetensors;
using LeapAlign.Testing;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Tests.Adapters;

/// <summary>What is written, as others read it and as it is read back.</summary>
public sealed class WriterTests : IDisposable
{
    private readonly AdapterFiles _files = new();

    [Fact]
    public void The_scale_is_in_B_and_the_header_says_an_alpha_that_is_the_rank()
    {
        using var weights = Weights((AdapterFiles.Query, 2, 5), (AdapterFiles.Value, 2, 5), (AdapterFiles.Output, 3, 4), ("proj_out", 4, 4));
        using var file = Recording.Require(SafetensorsFile.Open(Write(weights)));
        Assert.DoesNotContain(file.Entries.Keys, static key => key.EndsWith("alpha", StringComparison.Ordinal));
        Assert.All(file.Entries.Keys, static key => Assert.Contains("lora", key, StringComparison.Ordinal));
        Assert.Equal("pt", file.Metadata["format"]);
        using var header = JsonDocument.Parse(file.Metadata[LoraHeader.DiffusersKey]);
        var root = header.RootElement;
        Assert.All(root.EnumerateObject(), static field => Assert.StartsWith("transformer.", field.Name, StringComparison.Ordinal));
        Assert.All(root.EnumerateObject(), static field => Assert.Contains(LoraConfig.Format.Fields, known => $"transformer.{known.Name}" == field.Name));
        Assert.Equal((2, 2), (root.GetProperty("transformer.r").GetInt32(), root.GetProperty("transformer.lora_alpha").GetInt32()));
        // The plain name would be that of every block's layer, too.
        Assert.Equal(4, root.GetProperty("transformer.rank_pattern").GetProperty("^proj_out").GetInt32());
        Assert.Equal(4, root.GetProperty("transformer.alpha_pattern").GetProperty("^proj_out").GetInt32());
        Assert.Equal(weights.Modules.Keys.Order(StringComparer.Ordinal), root.GetProperty("transformer.target_modules").EnumerateArray().Select(static name => name.GetString()!));
        foreach (var (module, factors) in weights.Modules)
        {
            using var scope = NewDisposeScope();
            var stored = Recording.Require(file.Read($"transformer.{module}.lora_B.weight")).to(float64).matmul(Recording.Require(file.Read($"transformer.{module}.lora_A.weight")).to(float64));
            Agreement.Values(stored, factors.Update(), module);
        }
    }

    [Theory]
    [InlineData(64, 32)]
    [InlineData(2, 4)]
    [InlineData(4, 1)]
    public void Factors_come_back_exactly_where_the_scale_is_a_power_of_two(int rank, double alpha)
    {
        using var weights = Weights((AdapterFiles.Query, Math.Min(rank, 4), alpha * Math.Min(rank, 4) / rank));
        using var read = AdapterFiles.Read(Write(weights));
        var (trained, back) = (weights.Modules[AdapterFiles.Query], read.Modules[AdapterFiles.Query]);
        Assert.Equal((trained.Rank, trained.Alpha), (back.Rank, back.Alpha));
        Assert.True(trained.A.equal(back.A).all().item<bool>());
        Assert.True(trained.B.equal(back.B).all().item<bool>());
    }

    [Theory]
    [InlineData(3, 5)]
    [InlineData(3, 1)]
    [InlineData(2, 0.7)]
    [InlineData(3, -16)]
    [InlineData(2, 1e-3)]
    public void Any_other_scale_comes_back_with_factors_that_write_the_same_file(int rank, double alpha)
    {
        using var weights = Weights((AdapterFiles.Query, rank, alpha));
        var first = File.ReadAllBytes(Write(weights));
        using var read = AdapterFiles.Read(Path.Combine(_files.Folder, LoraFile.FileName));
        var (trained, back) = (weights.Modules[AdapterFiles.Query], read.Modules[AdapterFiles.Query]);
        Assert.Equal((trained.Rank, trained.Alpha), (back.Rank, back.Alpha));
        Assert.Equal(first, File.ReadAllBytes(Write(read)));
        Assert.True(((back.B - trained.B).abs() <= trained.B.abs() * 1.2e-7).all().item<bool>());
    }

    [Fact]
    public void A_scaled_tensor_has_an_original_for_every_value()
    {
        using var scope = NewDisposeScope();
        // Every mantissa of one binade and its neighbours, at scales that widen and narrow the steps between them.
        var values = arange(1 << 23, (1 << 23) + (1 << 16), dtype: float64).to(float32).mul(0.37f);
        foreach (var scale in (double[])[3, 1.0 / 3, 0.7, 1.999999, 1.0000001, 128.0 / 48])
        {
            var stored = LoraScale.PutIn(values, scale);
            Assert.True(LoraScale.PutIn(LoraScale.TakeOut(stored, scale), scale).equal(stored).all().item<bool>(), $"scale {scale}");
        }
    }

    [Fact]
    public void A_file_whose_rank_somebody_changed_keeps_its_update()
    {
        using var weights = Weights((AdapterFiles.Query, 2, 5));
        using var original = Recording.Require(SafetensorsFile.Open(Write(weights)));
        var other = original.Metadata[LoraHeader.TrainedKey];
        using var read = AdapterFiles.Read(_files.Write("changed.safetensors", AdapterFiles.Diffusers(AdapterFiles.Query, rank: 3), new Dictionary<string, string> { [LoraHeader.TrainedKey] = other }));
        Assert.Equal((3, 3.0), (read.Modules[AdapterFiles.Query].Rank, read.Modules[AdapterFiles.Query].Alpha));
        Agreement.Values(read.Modules[AdapterFiles.Query].Update(), AdapterFiles.Update(1, rank: 3), "changed");
    }

    public void Dispose() => _files.Dispose();

    private static LoraWeights Weights(params (string Module, int Rank, double Alpha)[] modules)
    {
        var weights = new LoraWeights();
        foreach (var (module, rank, alpha) in modules)
            weights.Add(module, new LoraFactors(AdapterFiles.Numbers(rank, AdapterFiles.In, alpha), AdapterFiles.Numbers(AdapterFiles.Out, rank, alpha + 1), alpha));
        return weights;
    }

    private string Write(LoraWeights weights)
    {
        var path = Path.Combine(_files.Folder, LoraFile.FileName);
        Recording.Require(LoraWriter.Write(path, weights));
        return path;
    }
}
