using LeapAlign.Adapters.Files;
using LeapAlign.Networks.Sd3;
using LeapAlign.Networks.Tests.Diffusion;
using LeapAlign.Networks.Weights;
using LeapAlign.Storage.Safetensors;
using LeapAlign.Testing;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Tests.Adapters;

/// <summary>Recorded files of every layout: the update of each layer, and what a network computes with them.</summary>
public class RecordedAdapterTests
{
    [Theory]
    [InlineData("lora-kohya")]
    [InlineData("lora-peft")]
    [InlineData("lora-metadata")]
    [InlineData("lora-z-image")]
    public void The_update_of_every_layer_is_the_recorded_one(string name)
    {
        using var scope = NewDisposeScope();
        var recorded = new AdapterCase(name);
        using var weights = Recording.Require(LoraFile.Read(recorded.FilePath, recorded.Sites, warn: static fault => Assert.Fail(fault.ToString())));
        var updates = recorded.Updates();
        Assert.NotEmpty(updates);
        Assert.Equal(updates.Keys.Order(), weights.Modules.Keys.Order());
        foreach (var (module, update) in updates)
        {
            Agreement.Values(weights.Modules[module].Update(), update, module);
            // An update that is zero would agree with nothing recorded, and small ones have to agree relatively, too.
            Assert.True((weights.Modules[module].Update() - update).norm().item<double>() <= 1e-5 * update.norm().item<double>(), module);
        }
        foreach (var (module, scale) in recorded.Scales) Assert.Equal(scale, weights.Modules[module].Scale, 12);
    }

    [Theory]
    [InlineData("lora-peft")]
    [InlineData("lora")]
    public void A_network_with_merged_updates_gives_the_recorded_output(string name)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var recorded = new AdapterCase(name);
        using var factors = Recording.Require(LoraFile.Read(recorded.FilePath, recorded.Sites));
        using var weights = new WeightSet();
        var network = new Sd3Transformer(Recording.Require(Sd3Config.Read(Repository.Fixture(recorded.Base, "config.json"))), weights.Root);
        using (var file = Recording.Require(SafetensorsFile.Open(Repository.Fixture(recorded.Base, "diffusion_pytorch_model.safetensors"))))
            Recording.Require(weights.Load(file, CPU, float32));
        var byName = weights.All.ToDictionary(static weight => weight.Name);
        foreach (var (module, own) in factors.Modules)
        {
            // A plain file of diffusers does not say its alpha: whoever recorded it does.
            using var scaled = new LoraFactors(own.A.clone(), own.B.clone(), recorded.FileName == LoraFile.FileName ? recorded.Alpha!.Value : own.Alpha);
            byName[$"{module}.weight"].Master.add_(scaled.Update().to(float32));
        }
        weights.Refresh();
        var io = new Recording(recorded.Base, "io.safetensors");
        Agreement.Values(network.Forward(io["in.latents"], io["in.context"], io["in.pooled"], io["in.timestep"]), recorded.Expected["out"], name);
    }

    [Fact]
    public void Z_image_with_merged_updates_gives_the_recorded_output()
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var recorded = new AdapterCase("lora-z-image");
        using var factors = Recording.Require(LoraFile.Read(recorded.FilePath, recorded.Sites));
        using var weights = new WeightSet();
        var network = new ZImageCase(weights);
        Assert.Equal(ZImageCase.Name, recorded.Base);
        var byName = weights.All.ToDictionary(static weight => weight.Name);
        foreach (var (module, own) in factors.Modules) byName[$"{module}.weight"].Master.add_(own.Update().to(float32));
        weights.Refresh();
        Agreement.Values(network.Network.Forward(network.Inputs), recorded.Expected["out"], "lora-z-image");
    }

    [Theory]
    [InlineData("diffusion_model.", '.')]
    [InlineData("lora_unet_", '_')]
    public void Z_image_files_of_the_original_names_are_taken_apart_to_the_same_updates(string prefix, char separator)
    {
        using var scope = NewDisposeScope();
        var recorded = new AdapterCase("lora-z-image");
        using var plain = Recording.Require(LoraFile.Read(recorded.FilePath, recorded.Sites));
        var path = Path.Combine(Directory.CreateTempSubdirectory("leapalign-original-").FullName, "lora.safetensors");
        List<TensorToWrite> tensors = [];
        void Add(string module, Tensor a, Tensor b, double alpha)
        {
            var name = prefix + module.Replace('.', separator);
            tensors.AddRange([new($"{name}.lora_down.weight", a, float32), new($"{name}.lora_up.weight", b, float32), new($"{name}.alpha", tensor((float)alpha), float32)]);
        }

        foreach (var (module, own) in plain.Modules)
        {
            if (module.EndsWith(".to_k", StringComparison.Ordinal) || module.EndsWith(".to_v", StringComparison.Ordinal)) continue;
            if (!module.EndsWith(".to_q", StringComparison.Ordinal))
            {
                Add(module.Replace("to_out.0", "out", StringComparison.Ordinal), own.A, own.B, own.Alpha);
                continue;
            }
            // Queries, keys and values as one layer, each with columns of its own.
            LoraFactors[] parts = [.. ((string[])["to_q", "to_k", "to_v"]).Select(name => plain.Modules[module.Replace("to_q", name, StringComparison.Ordinal)])];
            Add(module.Replace("to_q", "qkv", StringComparison.Ordinal), cat([.. parts.Select(static part => part.A)], 0), block_diag([.. parts.Select(static part => part.B)]), own.Alpha * 3);
        }
        Recording.Require(SafetensorsWriter.Write(path, tensors));
        using var original = Recording.Require(LoraFile.Read(path, recorded.Sites));
        Assert.Equal(plain.Modules.Keys.Order(), original.Modules.Keys.Order());
        foreach (var (module, own) in plain.Modules) Agreement.Values(original.Modules[module].Update(), own.Update(), module);
        Directory.Delete(Path.GetDirectoryName(path)!, recursive: true);
    }

    [Fact]
    public void Block_diagonal_factors_are_taken_apart_and_others_share_the_narrow_side()
    {
        using var scope = NewDisposeScope();
        var recorded = new AdapterCase("lora-kohya");
        using var weights = Recording.Require(LoraFile.Read(recorded.FilePath, recorded.Sites));
        using var file = Recording.Require(SafetensorsFile.Open(recorded.FilePath));
        var fused = file.Entries.Keys.Where(static key => key.EndsWith(".lora_down.weight", StringComparison.Ordinal)).Select(static key => key[..^".lora_down.weight".Length])
            .Where(static layer => OriginalNames.Find(layer["lora_unet_".Length..])[0].Modules.Count > 1).ToArray();
        Assert.NotEmpty(recorded.BlockDiagonal);
        Assert.Subset(fused.ToHashSet(), recorded.BlockDiagonal.ToHashSet());
        Assert.True(fused.Length > recorded.BlockDiagonal.Count);
        foreach (var layer in fused)
        {
            var modules = OriginalNames.Find(layer["lora_unet_".Length..])[0].Modules;
            var rank = (int)file.Entries[$"{layer}.lora_down.weight"].Shape[0];
            var own = recorded.BlockDiagonal.Contains(layer) ? rank / modules.Count : rank;
            Assert.All(modules, module => Assert.Equal(own, weights.Modules[module].Rank));
        }
    }
}
