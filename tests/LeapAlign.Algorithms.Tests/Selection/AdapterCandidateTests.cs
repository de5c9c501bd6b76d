using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Pipeline;
using static LeapAlign.Algorithms.Selection.Tests.DroEmTests;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.Selection.Tests;

/// <summary>A selector whose candidates are adapters.</summary>
public sealed class AdapterCandidateTests
{
    private static DroEmSettings Wearing => Plain with { Fragments = new DroEmSettings().Fragments, Adapters = ["A", "B", "C", "D"] };

    // The network gives an adapter the worth of a fragment of its name, so that everything else has to be the same.
    [Theory]
    [InlineData(1, EvidenceSource.Pictures)]
    [InlineData(2, EvidenceSource.Pictures)]
    [InlineData(2, EvidenceSource.Online)]
    public void An_adapter_that_does_what_a_fragment_does_is_learnt_as_it(int picks, EvidenceSource evidence)
    {
        using var scope = NewDisposeScope();
        var (written, worn) = (new CaptionNetwork { Batches = 2 }, new CaptionNetwork { Batches = 2 });
        using var writing = Made(Plain with { Picks = picks, Timesteps = 2, Evidence = evidence });
        using var wearing = Made(Wearing with { Picks = picks, Timesteps = 2, Evidence = evidence });
        foreach (var algorithm in new[] { writing, wearing }) Prefer(algorithm, 0.3, -0.2, 0.1, 0.05);
        var (texts, adapters) = (written.Descend(writing), worn.Descend(wearing));
        Assert.Equal(texts.Select(static objective => objective.Loss.to(float64).item<double>()), adapters.Select(static objective => objective.Loss.to(float64).item<double>()));
        Assert.Equal(written.A.grad!.item<double>(), worn.A.grad!.item<double>());
        foreach (var (one, other) in writing.Parameters.Zip(wearing.Parameters)) Assert.Equal(one.Value.grad!.data<float>().ToArray(), other.Value.grad!.data<float>().ToArray());
        Assert.Equal(written.Calls.SelectMany(static call => call.Captions), worn.Calls.SelectMany(static call => call.Captions));
        // Captions stay what the user wrote, also for the rewards.
        Assert.All(worn.Scored, static caption => Assert.Equal("p", caption));
        Assert.Contains(adapters[0].Measurements, static measured => measured.Name == "adapter");
        Assert.DoesNotContain(adapters[0].Measurements, static measured => measured.Name == "fragment");
    }

    [Fact]
    public void Evaluations_wear_the_likeliest_selection_and_write_nothing()
    {
        using var scope = NewDisposeScope();
        using var algorithm = Made(Wearing with { Adapters = ["A", "", "C", "D"], Picks = 2 });
        var embeddings = RandomKey.OfRun(2).Normal([2, 6], CPU);
        Prefer(algorithm, 0, 1, 3, 2);
        Assert.Equal(["x", "y"], algorithm.Write(["x", "y"], embeddings));
        Assert.Equal([["C", "D"], ["C", "D"]], algorithm.Wear(["x", "y"], embeddings)!);
        Prefer(algorithm, 0, 3, 1, 2);
        Assert.Equal([["D"]], algorithm.Wear(["x"], embeddings.narrow(0, 0, 1))!);
        using var writing = Made(Plain);
        Assert.Null(writing.Wear(["x", "y"], embeddings));
    }

    [Fact]
    public void The_runs_adapter_has_to_hold_them()
    {
        using var algorithm = Made(Wearing with { Adapters = ["", "A", "B"] });
        var shape = new RunShape(new Schedule([1, 0.5, 0]), 2);
        Assert.True(algorithm.Check(shape with { Candidates = ["B", "A", "C"] }).IsOk);
        Assert.False(algorithm.Check(shape with { Candidates = ["A", "b"] }).TryGet(out _, out var fault));
        Assert.Equal(FaultCodes.SettingsDoNotFit, fault!.Code);
        Assert.Contains("'B' is none of the candidates of the run's adapter, which are 'A', 'b'", fault.Message, StringComparison.Ordinal);
        Assert.False(algorithm.Check(shape with { Candidates = [] }).IsOk);
        // Before the adapter is made nobody knows them, and what else does not fit is said without them.
        Assert.True(algorithm.Check(shape).IsOk);
        using var writing = Made(Plain);
        Assert.True(writing.Check(shape with { Candidates = [] }).IsOk);
    }

    [Theory]
    [InlineData("adapters[1] is blank", 1, "A", " ")]
    [InlineData("'A' is there twice among adapters", 1, "A", "B", "A")]
    [InlineData("picks is 3, and there are 2 adapters", 3, "A", "B")]
    [InlineData("there is one adapter, and nothing to pick from", 1, "A")]
    public void What_cannot_be_picked_from_is_refused(string words, int picks, params string[] adapters)
    {
        Assert.False(DroEmAlgorithm.Of("selecting", Wearing with { Adapters = adapters, Picks = picks }, CPU).TryGet(out _, out var fault));
        Assert.Equal(FaultCodes.SettingsDoNotFit, fault!.Code);
        Assert.Contains($"selecting: {words}", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Fragments_and_adapters_are_not_mixed()
    {
        Assert.False(DroEmAlgorithm.Of("selecting", Plain with { Adapters = ["A", "B"] }, CPU).TryGet(out _, out var fault));
        Assert.Contains("fragments and adapters are both given", fault!.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void It_requires_an_adapter_that_holds_candidates_and_says_whether_the_model_learns()
    {
        var part = new SelectionPlugin().Parts.Single();
        Assert.Equal([Capabilities.Features, Capabilities.Pictures, Capabilities.AdapterCandidates], part.Requires(part.ReadSettings("""{ "adapters": ["a", ""] }""")));
        foreach (var train in Enum.GetValues<TrainedPlayers>())
        {
            using IDisposable made = Made(Wearing with { Train = train });
            Assert.Equal(train != TrainedPlayers.Selector, ((IAlgorithm)made).TrainsModel);
        }
    }
}
