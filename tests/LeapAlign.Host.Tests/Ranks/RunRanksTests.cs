using LeapAlign.Host.Kernel.Ranks;
using LeapAlign.Pipeline;
using LeapAlign.Testing;
using static TorchSharp.torch;

namespace LeapAlign.Host.Tests.Ranks;

public sealed class RunRanksTests
{
    [Theory]
    [InlineData(2, 8)]
    [InlineData(4, 12)]
    [InlineData(4, (4 << 20) + 4)]
    public void A_sum_is_that_of_an_aligned_tree(int world, int length)
    {
        var own = Enumerable.Range(0, world).Select(rank => Numbers(rank, length)).ToArray();
        var expected = Tree(own);
        var serial = own.Skip(1).Aggregate(own[0], static (sum, next) => [.. sum.Zip(next, static (left, right) => left + right)]);
        var sums = ThreadedRanks.Run(world, communicator =>
        {
            using var scope = NewDisposeScope();
            var flat = tensor(own[communicator.Rank]);
            new RunRanks(communicator).Sum("numbers", flat);
            return flat.data<float>().ToArray();
        });
        Assert.All(sums, sum => Assert.Equal(expected, sum));
        // Otherwise the order would not matter here.
        if (world > 2) Assert.NotEqual(serial, expected);
    }

    [Fact]
    public void What_each_says_comes_to_all_by_rank()
    {
        var said = ThreadedRanks.Run(3, static communicator => new RunRanks(communicator).Gather("words", [.. Enumerable.Repeat((byte)communicator.Rank, communicator.Rank)]));
        Assert.All(said, static all => Assert.Equal([[], [1], [2, 2]], all));
    }

    [Fact]
    public void The_first_is_heard_by_all()
    {
        var heard = ThreadedRanks.Run(3, static communicator =>
        {
            using var scope = NewDisposeScope();
            var ranks = new RunRanks(communicator);
            var values = full([2, 3], communicator.Rank + 1.0);
            ranks.From(0, "values", values);
            return (Convert.ToHexString(ranks.OfFirst("words", static () => [7, 8])), values.sum().item<float>());
        });
        Assert.All(heard, static each => Assert.Equal(("0708", 6f), each));
    }

    [Fact]
    public void A_fault_that_was_handed_on_keeps_the_process_that_it_comes_from()
    {
        var faults = ThreadedRanks.Run(3, static communicator =>
        {
            var ranks = new RunRanks(communicator);
            return communicator.Rank == 1 ? ranks.Fail(new Fault.Run(FaultCodes.StepThrew, "not today") { Rank = 7 }) : Assert.Throws<FaultException>(() => ranks.Any("a step", false)).Fault;
        });
        Assert.All(faults, static fault => Assert.Equal(7, fault.Rank));
    }

    [Fact]
    public void Processes_whose_ways_have_parted_say_so_instead_of_waiting()
    {
        var faults = ThreadedRanks.Run(3, static communicator => Assert.Throws<FaultException>(() => new RunRanks(communicator).Gather(communicator.Rank == 2 ? "rewards" : "gradients", (IReadOnlyList<double>)[1.0])).Fault);
        Assert.All(faults, static fault =>
        {
            Assert.Equal(FaultCodes.RanksParted, fault.Code);
            Assert.Contains("rank 0 has come to 'gradients' (1), but rank 2 to 'rewards' (1)", fault.Message, StringComparison.Ordinal);
        });
    }

    [Fact]
    public void Another_amount_of_the_same_is_no_less_parted()
    {
        var faults = ThreadedRanks.Run(2, static communicator => Assert.Throws<FaultException>(() => new RunRanks(communicator).Gather("numbers", (IReadOnlyList<double>)new double[1 + communicator.Rank])).Fault);
        Assert.All(faults, static fault => Assert.Equal(FaultCodes.RanksParted, fault.Code));
    }

    [Fact]
    public void A_fault_reaches_all_with_its_place_and_stays()
    {
        var faults = ThreadedRanks.Run(3, static communicator =>
        {
            var ranks = new RunRanks(communicator);
            var own = communicator.Rank == 1
                ? Result.Fail<int>(new Fault.Input("LA4001", "the file is bad", new SourcePlace("weights", 3, 4, "a.b")) { Advice = ["mend it"] })
                : Result.Ok(1);
            var first = ranks.Agreed("files", own).Match<Fault?>(static _ => null, static fault => fault);
            return (First: first!, Again: Assert.Throws<FaultException>(() => ranks.Any("more", true)).Fault, Told: ranks.Fail(new Fault.Run("LA5004", "later")));
        });
        Assert.All(faults, static each =>
        {
            var fault = Assert.IsType<Fault.Input>(each.First);
            Assert.Equal(("LA4001", "the file is bad", new SourcePlace("weights", 3, 4, "a.b"), 1), (fault.Code, fault.Message, fault.Place, fault.Rank));
            Assert.Equal(["mend it"], fault.Advice);
            Assert.Equal("LA4001 rank 1: weights(3,4) a.b: the file is bad", fault.ToString());
            Assert.Same(each.First, each.Again);
            Assert.Same(each.First, each.Told);
        });
    }

    [Fact]
    public void Of_several_faults_that_of_the_lowest_rank_counts()
    {
        var faults = ThreadedRanks.Run(3, static communicator => new RunRanks(communicator).Fail(new Fault.Run("LA5004", $"of {communicator.Rank}")));
        Assert.All(faults, static fault => Assert.Equal((0, "of 0"), (fault.Rank, fault.Message)));
    }

    [Fact]
    public void An_interruption_inside_a_step_reaches_all()
    {
        var ended = ThreadedRanks.Run(2, static communicator =>
        {
            var ranks = new RunRanks(communicator);
            if (communicator.Rank == 1) return ranks.Interrupt() is null;
            Assert.Throws<OperationCanceledException>(() => ranks.Any("step 2", false));
            return ranks.WasInterrupted && ranks.Interrupt() is null;
        });
        Assert.Equal([true, true], ended);
    }

    [Fact]
    public void Warnings_come_to_the_first_with_their_rank_and_those_of_all_once()
    {
        var told = ThreadedRanks.Run(3, static communicator =>
        {
            using var text = new StringWriter();
            var warnings = new LeapAlign.Host.Runs.Warnings(text);
            var ranks = new RunRanks(communicator) { Warnings = warnings };
            warnings.Add(new Fault.Input("LA4010", "of all", new SourcePlace("captions", 1)));
            if (communicator.Rank == 2) warnings.Add(new Fault.Input("LA4011", "of the last", new SourcePlace("captions", 2)));
            ranks.ShareWarnings();
            ranks.ShareWarnings();
            return text.ToString();
        });
        Assert.Equal("warning LA4010: captions(1,0): of all\nwarning LA4011: rank 2: captions(2,0): of the last\n", told[0].ReplaceLineEndings("\n"));
    }

    [Fact]
    public void Bytes_that_differ_end_the_run_in_all()
    {
        var faults = ThreadedRanks.Run(3, static communicator =>
        {
            using var weight = full([2], communicator.Rank == 2 ? 1.0000001f : 1f);
            return Assert.Throws<FaultException>(() => SameEverywhere.Check(new RunRanks(communicator), "the weights", [weight])).Fault;
        });
        Assert.All(faults, static fault => Assert.Contains("rank 2 has others than most", fault.Message, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("a a a", null)]
    [InlineData("a b a", 1)]
    [InlineData("b a a", 0)]
    [InlineData("a b", 1)]
    public void The_odd_one_is_not_of_most(string said, int? odd) => Assert.Equal(odd, SameEverywhere.Odd(said.Split(' ')));

    private static float[] Numbers(int seed, int length)
    {
        var random = Contracts.Randomness.RandomKey.OfRun(seed).Open();
        return [.. Enumerable.Range(0, length).Select(_ => (float)random.NextNormal())];
    }

    private static float[] Tree(float[][] rows)
    {
        while (rows.Length > 1) rows = [.. rows.Chunk(2).Select(static pair => pair[0].Zip(pair[1], static (left, right) => left + right).ToArray())];
        return rows[0];
    }
}
