using LeapAlign.Algorithms.FewSteps.Pairs;
using LeapAlign.Pipeline;
using LeapAlign.Storage.Safetensors;
using TorchSharp;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.FewSteps.Tests;

/// <summary>What a store of pairs is, and which it refuses.</summary>
public sealed class StoreTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();
    private readonly Pairing _pairing = new();

    private static FlowNetwork Network(Func<Tensor, Tensor, FlowNetwork.Asked, Tensor>? flow = null) => new() { Flow = flow ?? (static (x, sigma, _) => GaussianFlow.Velocity(x, sigma)) };

    [Fact]
    public void A_folder_of_stores_has_one_for_each_model_sampler_guidance_and_seed()
    {
        Make();
        Network().Descend(_pairing.Checked("reflow", origin: Pairing.Origin with { Model = "renamed" }), backward: false);
        Assert.Single(Directory.GetDirectories(_pairing.Folder));
        foreach (var other in new[] { Pairing.Origin with { Weights = "f" }, Pairing.Origin with { Sampler = "dpm {}" }, Pairing.Origin with { Guidance = 1 } }) Network().Descend(_pairing.Checked("reflow", origin: other), backward: false);
        Network().Descend(_pairing.Checked("reflow", """{"seed": 1}"""), backward: false);
        Network().Descend(_pairing.Checked("reflow", """{"precision": "bfloat16"}"""), backward: false);
        Network().Descend(_pairing.Checked("reflow", """{"together": 2}"""), backward: false);
        Assert.Equal(7, Directory.GetDirectories(_pairing.Folder).Length);
    }

    [Fact]
    public void Distillation_takes_the_pairs_that_reflow_made_of_the_same_model()
    {
        Make();
        var network = Network();
        network.Descend(_pairing.Checked("reflow-distill", """{"steps": 2, "pairs": 4}"""), backward: false);
        Assert.Single(network.Calls);
    }

    [Theory]
    [InlineData("weights", "by the model 'model' (0123456789abcdef), and this run's is 'other' (fedcba9876543210)")]
    [InlineData("guidance", "with guidance 4.5, and this run has 1")]
    [InlineData("sampler", "with the sampler flow-euler {}, and this run has dpm {}")]
    [InlineData("latents", "with latents [2], and this run has [3]")]
    [InlineData("seed", "with seed 0, and this run has 7")]
    public void A_named_store_of_others_is_refused_by_name(string what, string words)
    {
        Make();
        var origin = what switch
        {
            "weights" => Pairing.Origin with { Model = "other", Weights = "fedcba9876543210" },
            "guidance" => Pairing.Origin with { Guidance = 1 },
            "sampler" => Pairing.Origin with { Sampler = "dpm {}" },
            "latents" => Pairing.Origin with { Latents = [3] },
            _ => Pairing.Origin,
        };
        var fault = _pairing.Refusal("reflow", $$"""{"store": "{{_pairing.Store}}", "seed": {{(what == "seed" ? 7 : 0)}}}""", origin);
        Assert.Equal((FaultCodes.PairsOfOtherModel, 5, _pairing.Store), (fault.Code, fault.ExitCode, fault.Place!.File));
        Assert.Contains(words, fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_named_store_of_the_same_is_taken()
    {
        Make();
        var network = Network();
        network.Descend(_pairing.Checked("reflow", $$"""{"store": "{{_pairing.Store}}"}""", Pairing.Origin with { Model = "renamed" }), backward: false);
        Assert.Single(network.Calls);
    }

    [Theory]
    [InlineData("cut")]
    [InlineData("another caption's")]
    [InlineData("another shape")]
    public void A_file_that_is_not_what_was_written_is_refused_and_made_again_once_it_is_gone(string how)
    {
        Make();
        var (file, other) = (Path.Combine(_pairing.Store, new PairBlock("a", 0).FileName), Path.Combine(_pairing.Store, new PairBlock("b", 0).FileName));
        var before = File.ReadAllBytes(file);
        if (how == "cut") File.WriteAllBytes(file, before[..^3]);
        if (how == "another caption's") File.Copy(other, file, overwrite: true);
        if (how == "another shape") Testing.Recording.Require(SafetensorsWriter.Write(file, [new TensorToWrite("states", zeros(2, 1, 2), ScalarType.Float32)], new Dictionary<string, string> { ["noise"] = new PairBlock("a", 0).Noise(0).ToString() }));
        var fault = Assert.Throws<FaultException>(() => Network().Descend(_pairing.Checked("reflow"), backward: false)).Fault;
        Assert.Equal((FaultCodes.PairsDamaged, file), (fault.Code, fault.Place!.File));
        Assert.EndsWith("remove it, and its pairs are made again", fault.Message, StringComparison.Ordinal);
        File.Delete(file);
        Make();
        Assert.Equal(before, File.ReadAllBytes(file));
    }

    [Theory]
    [InlineData("{")]
    [InlineData("null")]
    [InlineData("""{"model": "x"}""")]
    public void A_store_that_does_not_say_what_it_is_is_refused(string text)
    {
        Make();
        File.WriteAllText(Path.Combine(_pairing.Store, PairStore.FileName), text);
        Assert.Equal(FaultCodes.PairsDamaged, _pairing.Refusal("reflow").Code);
    }

    [Fact]
    public void A_store_of_a_later_form_is_refused()
    {
        Make();
        var path = Path.Combine(_pairing.Store, PairStore.FileName);
        File.WriteAllText(path, File.ReadAllText(path).Replace("\"form\": 1", "\"form\": 2", StringComparison.Ordinal));
        Assert.Contains("in the form 2, and this program reads the form 1", _pairing.Refusal("reflow").Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_with_other_files_is_not_written_into()
    {
        Make();
        var store = _pairing.Store;
        File.Delete(Path.Combine(store, PairStore.FileName));
        var fault = _pairing.Refusal("reflow");
        Assert.Equal((FaultCodes.NotAPairStore, store), (fault.Code, fault.Place!.File));
        Directory.Delete(store, recursive: true);
        Directory.CreateDirectory(store);
        // What a killed process wrote aside is no other's file.
        File.WriteAllText(Path.Combine(store, ".pairs.json.machine-1"), "");
        Make();
        File.WriteAllText(Path.Combine(_pairing.Folder, "file"), "");
        Assert.Equal(FaultCodes.NotAPairStore, _pairing.Refusal("reflow", """{"store": "file"}""").Code);
    }

    [Theory]
    [InlineData("runs/run", true)]
    [InlineData("runs/run/pairs", true)]
    [InlineData("runs/run-pairs", false)]
    [InlineData("runs", false)]
    public void A_store_does_not_lie_in_the_folder_of_the_run(string store, bool isRefused)
    {
        var (runFolder, settings) = (Path.Combine(_pairing.Folder, "runs", "run"), $$"""{"store": "{{store}}"}""");
        if (!isRefused)
        {
            Assert.True(_pairing.Made("reflow", settings, runFolder).Check(Pairing.Shape(null)).IsOk);
            return;
        }
        var fault = _pairing.Refusal("reflow", settings, runFolder: runFolder);
        Assert.Equal(FaultCodes.NotAPairStore, fault.Code);
        Assert.Contains("--force", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_store_that_is_not_named_lies_beside_the_run()
    {
        var algorithm = _pairing.Made("reflow", """{"store": null}""", Path.Combine(_pairing.Folder, "runs", "run"));
        Assert.True(algorithm.Check(Pairing.Shape(null)).IsOk);
        Network().Descend(algorithm, backward: false);
        Assert.Equal(Path.Combine(_pairing.Folder, "runs", "pairs"), Path.GetDirectoryName(_pairing.Store));
        Assert.Equal(FaultCodes.NotAPairStore, _pairing.Refusal("reflow", """{"store": null}""", runFolder: Path.Combine(_pairing.Folder, "runs", "pairs")).Code);
    }

    [Fact]
    public void Nothing_is_written_before_a_pair_is_made()
    {
        _pairing.Checked("reflow");
        Assert.Empty(Directory.GetFileSystemEntries(_pairing.Folder));
    }

    [Fact]
    public void Without_making_pairs_a_store_has_to_be_there_with_all_that_a_step_needs()
    {
        Assert.Equal(FaultCodes.PairsDamaged, _pairing.Refusal("reflow", """{"make": false}""").Code);
        Make();
        var reading = _pairing.Checked("reflow", """{"make": false}""");
        var network = Network();
        network.Descend(reading, backward: false);
        Assert.Single(network.Calls);
        var fault = Assert.Throws<FaultException>(() => new FlowNetwork { Flow = network.Flow, Captions = ["new"] }.Descend(reading, backward: false)).Fault;
        Assert.Equal(FaultCodes.PairsDamaged, fault.Code);
        Assert.Contains("'new'", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_sample_that_is_not_finite_is_not_kept()
    {
        var fault = Assert.Throws<FaultException>(() => Network(static (x, _, _) => x / 0).Descend(_pairing.Checked("reflow"), backward: false)).Fault;
        Assert.Equal(FaultCodes.NotFinite, fault.Code);
        Assert.Empty(_pairing.Blocks);
    }

    [Fact]
    public void A_run_that_is_asked_to_stop_gives_up_between_rollouts_and_keeps_those_made()
    {
        using var stop = new CancellationTokenSource();
        var algorithm = _pairing.Made("reflow", "{}", stop: stop.Token);
        Assert.True(algorithm.Check(Pairing.Shape(null)).IsOk);
        var network = Network((x, sigma, _) =>
        {
            stop.Cancel();
            return GaussianFlow.Velocity(x, sigma);
        });
        Assert.Throws<OperationCanceledException>(() => network.Descend(algorithm, backward: false));
        Assert.Single(_pairing.Blocks);
    }

    [Fact]
    public void Pairs_that_are_not_made_in_whole_blocks_are_refused() => Assert.Equal(FaultCodes.SettingsDoNotFit, _pairing.Refusal("reflow", """{"pairs": 6}""").Code);

    [Fact]
    public void Kept_in_bfloat16_a_sample_is_what_training_reads_also_in_the_step_that_made_it()
    {
        var (first, second) = (Network(), Network());
        double Loss(FlowNetwork network) => network.Descend(_pairing.Checked("reflow", """{"precision": "bfloat16"}"""), backward: false).Single().Loss.item<double>();
        Assert.Equal(Loss(first), Loss(second));
        using var file = Testing.Recording.Require(SafetensorsFile.Open(_pairing.Blocks[0]));
        Assert.Equal((ScalarType.BFloat16, "4,1,2"), (file.Entries["states"].Type, string.Join(',', file.Entries["states"].Shape)));
    }

    public void Dispose()
    {
        _pairing.Dispose();
        _scope.Dispose();
    }

    private void Make() => Network().Descend(_pairing.Checked("reflow"), backward: false);
}
