using LeapAlign.Contracts.Randomness;
using LeapAlign.Contracts.State;
using LeapAlign.Pipeline;
using static LeapAlign.Algorithms.Selection.Tests.DroEmTests;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.Selection.Tests;

/// <summary>What the selector looks at, whose draws it makes, and what it keeps.</summary>
public sealed class SelectorTests
{
    [Fact]
    public void A_sample_draws_its_own_selections_whatever_micro_batch_it_is_in()
    {
        using var scope = NewDisposeScope();
        string[] Drawn(int samples, int batches)
        {
            var network = new CaptionNetwork { Samples = samples, Batches = batches };
            using var algorithm = Made(Plain);
            network.Descend(algorithm);
            var asked = network.Calls.Where(static call => !call.Gradient).ToList();
            return [.. Enumerable.Range(0, 3).Select(sample => string.Join('|', asked.Where(call => call.Samples.Contains(sample)).Select(call => call.Captions[Array.IndexOf(call.Samples, sample)])))];
        }
        var whole = Drawn(3, 1);
        Assert.Equal(whole, Drawn(1, 3));
        Assert.Equal(3, whole.Distinct().Count());
    }

    [Fact]
    public void A_copy_draws_and_weighs_within_an_iteration()
    {
        using var scope = NewDisposeScope();
        var network = new CaptionNetwork();
        using var algorithm = Made(Plain with { Iteration = 3 });
        var copy = Assert.Single(algorithm.Copies);
        Assert.Equal("iteration", copy.Name);
        Assert.Equal([1, 1, 0, 1, 1, 0], Enumerable.Range(0, 6).Select(copy.Decay));
        network.Descend(algorithm, 0);
        Assert.All(network.Calls, static call => Assert.Equal(call.Gradient ? CaptionNetwork.Trained : "iteration", call.Policy));
        // All weight on D, but only from the next iteration on.
        Prefer(algorithm, 0, 0, 0, 50);
        network.Descend(algorithm, 1);
        Assert.Contains(network.Calls.SelectMany(static call => call.Captions), static caption => caption != "pD");
        network.Descend(algorithm, 3);
        Assert.All(network.Calls.SelectMany(static call => call.Captions), static caption => Assert.Equal("pD", caption));
        using var plain = Made(Plain);
        Assert.Empty(plain.Copies);
        network.Descend(plain, 0);
        Assert.All(network.Calls, static call => Assert.Equal(CaptionNetwork.Trained, call.Policy));
    }

    // A difference of gradients of one step would otherwise be one of draws.
    [Fact]
    public void A_step_that_is_made_again_draws_as_it_did()
    {
        using var scope = NewDisposeScope();
        var network = new CaptionNetwork();
        using var algorithm = Made(Plain);
        network.Descend(algorithm, 7);
        var first = Drawn();
        Prefer(algorithm, 0, 0, 0, 50);
        network.Descend(algorithm, 7);
        Assert.Equal(first, Drawn());
        network.Descend(algorithm, 8);
        Assert.NotEqual(first, Drawn());

        List<string> Drawn() => [.. network.Calls.SelectMany(static call => call.Captions)];
    }

    [Fact]
    public void The_copy_that_draws_is_its_state()
    {
        using var scope = NewDisposeScope();
        using var saved = Made(Plain with { Iteration = 4 });
        using var resumed = Made(Plain with { Iteration = 4 });
        var (one, other) = (new CaptionNetwork(), new CaptionNetwork());
        Prefer(saved, 1, -2, 3, 0.5);
        one.Descend(saved, 0);
        Prefer(saved, 0, 5, 0, 0);
        Assert.True(((IStateful)resumed).Load(((IStateful)saved).Save()).IsOk);
        one.Descend(saved, 1);
        other.Descend(resumed, 1);
        Assert.Equal(one.Calls.SelectMany(static call => call.Captions), other.Calls.SelectMany(static call => call.Captions));
        Assert.False(((IStateful)resumed).Load(new PartState(1, [])).IsOk);
    }

    [Fact]
    public void Evaluations_draw_the_likeliest_selection_of_each_caption()
    {
        using var scope = NewDisposeScope();
        using var algorithm = Made(Plain with { Picks = 2, Join = ", " });
        var embeddings = RandomKey.OfRun(2).Normal([2, 6], CPU);
        Assert.Equal(["x, A, B", "y, A, B"], algorithm.Write(["x", "y"], embeddings));
        Prefer(algorithm, 0, 0, 2, 1);
        Assert.Equal(["x, C, D", "y, C, D"], algorithm.Write(["x", "y"], embeddings));
        // The head tells captions apart, whatever the length of their embeddings and the others of the batch.
        using (no_grad()) algorithm.Parameters[0].Value.copy_(RandomKey.OfRun(4).Normal([4, 4], CPU) * 20);
        var both = algorithm.Write(["x", "x"], embeddings);
        Assert.NotEqual(both[0], both[1]);
        Assert.Equal([both[1]], algorithm.Write(["x"], embeddings.narrow(0, 1, 1) * 1000));
        using var silent = Made(Plain with { Fragments = ["", "A"], Picks = 2, Join = ", " });
        Assert.Equal(["x, A"], silent.Write(["x"], embeddings.narrow(0, 0, 1)));
        using var blind = Made(Plain with { Features = 0 });
        Assert.Single(blind.Parameters);
        Assert.Equal(["xA"], blind.Write(["x"], embeddings.narrow(0, 0, 1)));
    }

    [Fact]
    public void Scores_look_at_the_direction_of_an_embedding_and_begin_at_nothing()
    {
        using var scope = NewDisposeScope();
        using var selector = new Selector(3, 4, CPU);
        var embeddings = RandomKey.OfRun(6).Normal([2, 6], CPU);
        Assert.All(selector.Now(embeddings), static row => Assert.Equal([0, 0, 0], row));
        using (no_grad()) selector.Parameters[0].Value.copy_(RandomKey.OfRun(7).Normal([3, 4], CPU));
        var scores = selector.Now(embeddings);
        Assert.All(scores.Zip(selector.Now(embeddings * 1000)), static pair => Assert.All(pair.First.Zip(pair.Second), static one => Assert.Equal(one.First, one.Second, 1e-5)));
        Assert.NotEqual(scores[0], scores[1]);
        Assert.All(selector.Now(zeros(1, 6)), static row => Assert.Equal([0, 0, 0], row));
        // What draws waits for its copy.
        Assert.All(selector.Drawing(embeddings), static row => Assert.Equal([0, 0, 0], row));
        selector.Copy(0);
        Assert.Equal(scores, selector.Drawing(embeddings));
    }
}
