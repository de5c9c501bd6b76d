using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Optimizers;
using LeapAlign.Contracts.Planning;
using LeapAlign.Host.Composition;
using LeapAlign.Host.Planning;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Tests.Planning;

/// <summary>From what pieces take to what a step takes.</summary>
public sealed class StepPlanTests
{
    private const double Mega = 1e6;

    // Two blocks of one form and one of another; numbers are chosen so that every product shows.
    private static readonly StepPlan s_plan = new()
    {
        Cost = new NetworkCost(8, 2, 1),
        Network =
        [
            new WorkCost("dual", 2, 1) { Plain = 1, Recorded = 1.5, Backward = 3, Kept = 10, Peak = 100, Inputs = 4, MultiplyAdds = 7 },
            new WorkCost("joint", 3, 1) { Plain = 0.5, Recorded = 1, Backward = 2, Kept = 5, Peak = 60, Inputs = 2, MultiplyAdds = 5 },
        ],
        Decoder = [new WorkCost("decoder", 1, 4) { Plain = 2, Recorded = 3, Backward = 5, Kept = 20, Peak = 70, Inputs = 1, MultiplyAdds = 11 }],
        Rewards = [new WorkCost("reward", 1, 1) { Plain = 0.25, Recorded = 0.5, Backward = 0.75, Kept = 30, Peak = 40, MultiplyAdds = 3 }],
        Encode = 9,
        Update = 0.125,
        Trained = 1000,
        Number = new NumberCost { Weight = 6, Optimizer = 8, Average = 4, Copies = 4, HasCheckpoints = true, WritesBesideSteps = true },
        Program = 5000,
        Mapped = 1e9,
    };

    [Fact]
    public void Seconds_are_those_of_all_pieces_as_often_as_the_method_asks()
    {
        Assert.Equal([8 * 3.5, 2 * 6.0, 12.5, (2 * 12) + 20.75, 0.125], s_plan.Times.Select(static time => time.Seconds));
        Assert.Equal(28 + 12 + 12.5 + 44.75 + 0.125, s_plan.Seconds);
        // Guidance doubles evaluations and their backward, and nothing else; micro-batches multiply all but the update.
        Assert.Equal(56 + 24 + 12.5 + 68.75 + 0.125, (s_plan with { Branches = 2 }).Seconds);
        Assert.Equal((3 * (28 + 12 + 12.5 + 44.75)) + 0.125, (s_plan with { MicroBatches = 3 }).Seconds);
    }

    [Fact]
    public void An_optimizer_that_has_the_step_made_again_has_its_time_again()
    {
        var again = s_plan with { Passes = new StepPasses(3) { Fewest = 1, Most = 5 } };
        Assert.Equal([8 * 3.5, 2 * 6.0, 12.5, (2 * 12) + 20.75, 0.125, 2 * (28 + 12 + 12.5 + 44.75)], again.Times.Select(static time => time.Seconds));
        Assert.Equal(3 * s_plan.MultiplyAdds(recomputes: true, trainsAll: false), again.MultiplyAdds(recomputes: true, trainsAll: false));
        Assert.Equal(s_plan.Bytes, again.Bytes);
        Assert.Equal(("3 (1 to 5)", "1"), (again.Passes.ToString(), StepPasses.Once.ToString()));
    }

    [Fact]
    public void Objectives_beside_the_method_have_evaluations_of_their_own_without_guidance()
    {
        var held = s_plan with { Beside = new NetworkCost(1, 3, 0) };
        // Of an evaluation 3.5, 6 with gradient and 12 of its backward.
        const double own = 3.5 + (3 * 18);
        Assert.Equal([8 * 3.5, 2 * 6.0, 12.5, (2 * 12) + 20.75, own, 0.125], held.Times.Select(static time => time.Seconds));
        Assert.Equal(own, (held with { Branches = 2 }).Seconds - (s_plan with { Branches = 2 }).Seconds);
        Assert.Equal(3 * own, (held with { MicroBatches = 3 }).Seconds - (s_plan with { MicroBatches = 3 }).Seconds);
        Assert.Equal(3 * (s_plan.Seconds - 0.125 + own), (held with { Passes = new StepPasses(3) }).Seconds - 0.125, 9);
        // A plain evaluation has 29 multiply-adds, one with gradient two of these again and one more where blocks are computed again.
        Assert.Equal(29 * (1 + (3 * 3)), held.MultiplyAdds(recomputes: true, trainsAll: false) - s_plan.MultiplyAdds(recomputes: true, trainsAll: false));
        // Graphs of a micro-batch are there together, and after those of the method.
        Assert.Equal(3 * ((2 * 10) + (3 * 5)), Of(held, "graph"));
        Assert.Equal(Of(s_plan, "graph"), Of(s_plan with { Beside = new NetworkCost(5, 1, 0) }, "graph"));
    }

    [Fact]
    public void A_method_that_scores_first_decodes_without_gradient_and_has_one_graph_at_a_time()
    {
        var scored = s_plan with { Cost = new NetworkCost(10, 4, 0) };
        Assert.Equal([35, 24, 8 + 0.25, 4 * 12, 0.125], scored.Times.Select(static time => time.Seconds));
        Assert.Equal(35, Of(scored, "graph"));
        // The decoder without a graph, of the size of the step: more than a block.
        Assert.Equal(4 * 50, Of(scored, "backward"));
    }

    [Fact]
    public void Memory_is_what_numbers_keep_and_graphs_and_the_largest_moment()
    {
        Assert.Equal(5000, Of(s_plan, "program"));
        Assert.Equal([6000, 4000, 8000, 4000, 4000], ((string[])["trained", "gradients", "optimizer", "moving", "copies"]).Select(static name => Of(s_plan, name)));
        Assert.Equal(1000 * (4 + 8 + 4 + 4), Of(s_plan, "snapshot"));
        // At the end of a run the graph is gone, and its memory is there for the copy.
        Assert.Equal((1000 * (4 + 8 + 4 + 4)) - 70 - 280, Of(s_plan with { Number = s_plan.Number with { WritesBesideSteps = false } }, "snapshot"));
        Assert.Equal(1e9 + s_plan.Bytes - 20000, s_plan.BytesOfDevice);
        // Both evaluations keep their graphs until the backward.
        Assert.Equal(2 * ((2 * 10) + (3 * 5)), Of(s_plan, "graph"));
        // The decoder's graph, four times what was measured, and what its backward needs; the reward's is gone then.
        Assert.Equal(4 * (20 + 50), Of(s_plan, "backward"));
        Assert.Equal(s_plan.Memory.Sum(static term => term.Bytes), s_plan.Bytes);
        Assert.Equal(5000 + 6000 + 4000 + 8000 + 4000 + 4000, s_plan.State);
        // A reward that needs more for a moment comes on top of what the decoder keeps.
        Assert.Equal((4 * 20) + 30 + 970, Of(s_plan with { Rewards = [s_plan.Rewards[0] with { Peak = 1000 }] }, "backward"));
        Assert.Equal(990, Of(s_plan with { Network = [s_plan.Network[0] with { Peak = 1000 }] }, "backward"));
        Assert.DoesNotContain((s_plan with { Number = s_plan.Number with { HasCheckpoints = false } }).Memory, static term => term.Name.StartsWith("snapshot", StringComparison.Ordinal));
    }

    [Fact]
    public void An_allocator_that_gives_nothing_back_keeps_a_share_of_what_comes_and_goes()
    {
        var kept = s_plan with { KeepsPieces = true };
        Assert.Equal(StepPlan.PiecesShare * (70 + 280), Of(kept, "kept by the allocator"), 1e-9);
        Assert.Equal(s_plan.Bytes + (StepPlan.PiecesShare * 350), kept.Bytes, 1e-9);
        // Neither before the first step nor on a card.
        Assert.Equal(s_plan.State, kept.State, 1e-6);
        Assert.Equal(s_plan.BytesOfDevice, kept.BytesOfDevice, 1e-6);
    }

    [Fact]
    public void Multiply_adds_count_the_backward_for_inputs_what_is_computed_again_and_trained_weights()
    {
        var network = (2 * 7) + (3 * 5);
        var rest = (4 * 11) + 3;
        Assert.Equal((network * (8 + (2 * 2))) + (rest * 2), s_plan.MultiplyAdds(recomputes: false, trainsAll: false));
        Assert.Equal((network * (8 + (2 * 3))) + (rest * 3), s_plan.MultiplyAdds(recomputes: true, trainsAll: false));
        Assert.Equal((network * (8 + (2 * 3))) + (rest * 2), s_plan.MultiplyAdds(recomputes: false, trainsAll: true));
    }

    [Fact]
    public void Proposals_come_in_the_order_of_what_they_change_and_end_when_it_fits()
    {
        var plan = Composed("run.batch=4", "run.size=512x512", "run.ema=0.99");
        static double Bytes(StepPlan step) => step.Bytes;
        Assert.Empty(Proposals.Of(plan, s_plan, Bytes, s_plan.Bytes, 10));
        var first = Proposals.Of(plan, s_plan with { Program = 0 }, Bytes, s_plan.Bytes - 5000 - 1, 10);
        Assert.Equal(["run.batch=1", "run.accumulation=4"], first.SelectMany(static proposal => proposal.Settings).Where(static setting => !setting.StartsWith("run.checkpointing", StringComparison.Ordinal)).Take(2));
        var all = Proposals.Of(plan, s_plan, Bytes, 0, 10);
        Assert.Equal(
            ["run.batch=1", "run.accumulation=4", "adapter=lora"],
            all.SelectMany(static proposal => proposal.Settings).Where(static setting => setting.StartsWith("run.batch", StringComparison.Ordinal) || setting.StartsWith("run.acc", StringComparison.Ordinal) || setting.StartsWith("adapter", StringComparison.Ordinal)));
        Assert.All(all.Zip(all.Skip(1)), static pair => Assert.True(pair.Second.After.Bytes < pair.First.After.Bytes));
        var lora = all.Single(static proposal => proposal.Settings.Contains("adapter=lora"));
        Assert.Equal(10, lora.After.Trained);
        Assert.Equal(s_plan.Seconds - 0.125, (all[0].After with { Update = 0 }).Seconds * 1, 0.001 + (all[0].Settings[0] == "run.checkpointing=blocks" ? 20 : 0));
    }

    [Fact]
    public void Weights_that_a_setting_leaves_on_the_host_take_nothing_of_a_card()
    {
        var placed = s_plan with { Placed = [new PlacedWeights("placement.textEncoders", 6e8, OnDevice: false, InEvaluations: false), new PlacedWeights("placement.transformer", 3e8, OnDevice: true, InEvaluations: true), new PlacedWeights("placement.decoder", 1e7, OnDevice: true, InEvaluations: false)] };
        Assert.Equal(s_plan.BytesOfDevice - 6e8, placed.BytesOfDevice);
        Assert.Equal(s_plan.Bytes, placed.Bytes);
        var plan = Composed("run.checkpointing=blocks", "run.batch=1");
        // On a card they are proposed, what every evaluation needs last; on this machine, where files are mapped, they would change nothing.
        var onCard = Proposals.Of(plan, placed, static step => step.BytesOfDevice, placed.BytesOfDevice - 3.05e8, null);
        Assert.Equal(["model.settings.placement.decoder=host", "model.settings.placement.transformer=host"], onCard.SelectMany(static proposal => proposal.Settings));
        Assert.Equal(placed.BytesOfDevice - 3.1e8, onCard[^1].After.BytesOfDevice);
        Assert.DoesNotContain(Proposals.Of(plan, placed, static step => step.Bytes, 0, null), static proposal => proposal.Settings.Any(static setting => setting.StartsWith("model.", StringComparison.Ordinal)));
    }

    [Fact]
    public void Recomputation_keeps_inputs_and_does_the_forward_once_more()
    {
        var plan = Composed("run.checkpointing=none", "run.batch=1");
        // So much that blocks matter.
        var large = s_plan with { Network = [.. s_plan.Network.Select(static piece => piece with { Kept = piece.Kept * Mega, Peak = piece.Peak * Mega, Inputs = piece.Inputs * Mega })] };
        var proposal = Proposals.Of(plan, large, static step => step.Bytes, 0, null)[0];
        Assert.Equal(["run.checkpointing=blocks"], proposal.Settings);
        Assert.Equal(2 * ((2 * 4) + (3 * 2)) * Mega, Of(proposal.After, "graph"));
        Assert.Equal((100 - 4) * Mega, Of(proposal.After, "backward"));
        Assert.Equal(2 * ((2 * (3 + 1.5)) + (3 * (2 + 1.0))), proposal.After.Times[3].Seconds - (4 * (5 + 3)) - 0.75);
    }

    [Theory]
    [InlineData("24GB", 24, null)]
    [InlineData("8gib", 8, null)]
    [InlineData("rtx-4090", 24, 165.0)]
    [InlineData("H100", 80, 989.0)]
    public void A_card_is_named_or_sized(string text, double gigabytes, double? teraflops)
    {
        var card = Recording(Card.Of(text));
        Assert.Equal((gigabytes, teraflops), (card.Gigabytes, card.Teraflops));
        Assert.InRange(card.Room / (1L << 30), gigabytes - 1, gigabytes - 0.1);
        Assert.Equal(teraflops is null ? null : 2 * 1e12 / (teraflops.Value * 1e12 * Card.Efficiency), card.Seconds(1e12));
    }

    [Theory]
    [InlineData("rtx-4091")]
    [InlineData("24")]
    [InlineData("0GB")]
    public void Another_word_is_no_card(string text)
    {
        var fault = Card.Of(text).Match<Fault?>(static _ => null, static fault => fault);
        Assert.Equal(FaultCodes.BadOption, fault?.Code);
        Assert.Contains("rtx-4090", fault!.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_plan_is_compared_with_the_middle_of_the_steps_after_the_first()
    {
        var check = new PlanCheck(s_plan);
        Assert.Equal(["planned"], check.Facts.Keys);
        Assert.StartsWith("97.38 s a step", check.Facts["planned"], StringComparison.Ordinal);
        foreach (var seconds in (double[])[50, 3, 1, 2]) check.Stepped(StepReports.Of(0) with { Seconds = seconds });
        check.Left(null);
        Assert.StartsWith("2.00 s a step, ", check.Facts["measured"], StringComparison.Ordinal);
    }

    private static RunPlan Composed(params string[] overrides) => Recording(TestWorkspace.Compose(TestWorkspace.Valid, overrides));

    private static double Of(StepPlan plan, string name) => plan.Memory.Single(term => term.Name.StartsWith(name, StringComparison.Ordinal)).Bytes;

    private static T Recording<T>(Result<T> result) => result.Match(static value => value, static fault => throw new InvalidOperationException(fault.ToString()));
}
