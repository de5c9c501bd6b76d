using LeapAlign.Adapters.Files;
using LeapAlign.Networks.Sd3;
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
    public void Block_diagonal_factors_are_taken_apart_and_others_share_the_narrow_side()
    {
        using var scope = NewDisposeScope();
        var recorded = new AdapterCase("lora-kohya");
        using var weights = Recording.Require(LoraFile.Read(recorded.FilePath, recorded.Sites));
        using var file = Recording.Require(SafetensorsFile.Open(recorded.FilePath));
        var fused = file.Entries.Keys.Where(static key => key.EndsWith(".lora_down.weight", StringComparison.Ordinal)).Select(static key => key[..^".lora_down.weight".Length])
            .Where(static layer => OriginalNames.Find(layer["lora_unet_".Length..])!.Modules.Count > 1).ToArray();
        Assert.NotEmpty(recorded.BlockDiagonal);
        Assert.Subset(fused.ToHashSet(), recorded.BlockDiagonal.ToHashSet());
        Assert.True(fused.Length > recorded.BlockDiagonal.Count);
        foreach (var layer in fused)
        {
            var modules = OriginalNames.Find(layer["lora_unet_".Length..])!.Modules;
            var rank = (int)file.Entries[$"{layer}.lora_down.weight"].Shape[0];
            var own = recorded.BlockDiagonal.Contains(layer) ? rank / modules.Count : rank;
            Assert.All(modules, module => Assert.Equal(own, weights.Modules[module].Rank));
        }
    }
}
