using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Ranks;
using LeapAlign.Contracts.State;
using LeapAlign.Contracts.Weights;
using LeapAlign.Host.Kernel.Ranks;
using LeapAlign.Host.Kernel.State;
using LeapAlign.Host.Kernel.Steps;
using LeapAlign.Pipeline;
using LeapAlign.Testing;
using static TorchSharp.torch;

namespace LeapAlign.Host.Tests.Ranks;

/// <summary>A moving average of which each process keeps a share: it is that of one process wherever all of it is looked at.</summary>
public sealed class SharedAverageTests
{
    [Theory]
    [InlineData(2, 0.9)]
    [InlineData(2, 0.999)]
    [InlineData(4, 0.999)]
    public void All_of_it_is_that_of_one_process(int world, double decay)
    {
        var alone = Averaged(OneProcess.Instance, decay, 3);
        var all = ThreadedRanks.Run(world, communicator => Averaged(communicator, decay, 3));
        Assert.All(all, each => Assert.Equal(alone.Gathered, each.Gathered));
        // Each keeps some of it and together they keep it once; the first has all of it after it was brought together.
        Assert.Equal(alone.Kept, all.Sum(static each => each.Kept));
        Assert.All(all, static each => Assert.True(each.Kept > 0));
        Assert.Equal(alone.Saved, all[0].Saved);
        Assert.All(all[1..], each => Assert.True(each.Saved.Count < alone.Saved.Count));
    }

    [Theory]
    [InlineData(1, 2)]
    [InlineData(2, 4)]
    [InlineData(4, 1)]
    public void It_goes_on_with_another_number_of_processes(int before, int after)
    {
        var expected = Averaged(OneProcess.Instance, 0.999, 5);
        var saved = ThreadedRanks.Run(before, static communicator => Averaged(communicator, 0.999, 2))[0].State;
        var resumed = ThreadedRanks.Run(after, communicator => Averaged(communicator, 0.999, 5, (2, saved)));
        Assert.All(resumed, each => Assert.Equal(expected.Gathered, each.Gathered));
        Assert.Equal(expected.Saved, resumed[0].Saved);
    }

    [Fact]
    public void It_is_whole_in_a_process_only_while_it_is_looked_at()
    {
        var seen = ThreadedRanks.Run(2, static communicator =>
        {
            using var scope = NewDisposeScope();
            using var average = new MovingAverage(Parameters(), 0.9, sharing: new RunRanks(communicator));
            List<bool> whole = [average.IsWhole];
            using (average.Gather()) whole.Add(average.IsWhole);
            whole.Add(average.IsWhole);
            average.Collect().Value();
            // Nothing moved since.
            average.Collect().Value();
            whole.Add(average.IsWhole);
            average.Update(0);
            whole.Add(average.IsWhole);
            Assert.Equal(FaultCodes.StateMismatch, average.Whole.Fault().Code);
            return whole;
        });
        Assert.Equal([false, true, false, true, false], seen[0]);
        Assert.Equal([false, true, false, false, false], seen[1]);
    }

    [Fact]
    public void One_process_shares_with_nobody()
    {
        using var scope = NewDisposeScope();
        using var average = new MovingAverage(Parameters(), 0.9, sharing: RunRanks.Alone);
        Assert.Equal((false, true), (average.IsShared, average.IsWhole));
        average.Gather().Dispose();
        average.Collect().Value();
        Assert.True(average.IsWhole);
    }

    private static Outcome Averaged(ICommunicator communicator, double decay, int updates, (int Done, PartState State)? from = null)
    {
        using var scope = NewDisposeScope();
        var parameters = Parameters();
        var ranks = new RunRanks(communicator);
        using var average = new MovingAverage(parameters, decay, sharing: ranks);
        if (from is { } then)
        {
            // As a resume: the first process reads the checkpoint, and sends it to the others.
            if (ranks.Rank == 0) average.State.Load(then.State).Value();
            SharedState.OfFirst(ranks, [("average", average.State)], new RunProgress()).Value();
        }
        for (var update = 0; update < updates; update++)
        {
            using (no_grad())
            {
                foreach (var parameter in parameters) parameter.Value.mul_(-0.7).add_(0.01);
            }
            if (update >= (from?.Done ?? 0)) average.Update(update);
        }
        var kept = average.State.Save().Tensors.Sum(static tensor => tensor.Value.numel());
        string[] gathered;
        using (average.Gather()) gathered = [.. average.Policy.Values.Select(Text)];
        average.Collect().Value();
        var saved = average.State.Save();
        return new Outcome(gathered, kept, [.. saved.Tensors.Select(static tensor => $"{tensor.Name} {Text(tensor.Value)}")], new PartState(saved.Version, [.. saved.Tensors.Select(static tensor => new NamedTensor(tensor.Name, tensor.Value.clone().DetachFromDisposeScope()))]));
    }

    private static string Text(Tensor value) => $"{value.dtype} [{string.Join(", ", value.shape)}] {Convert.ToHexString(value.contiguous().bytes)}";

    private static ParameterSet Parameters() => new(
    [
        .. new long[][] { [5, 7], [3], [4, 4], [3, 3], [6], [2, 6], [1], [8] }.Select(static (shape, place) => new Parameter(
            $"p{place}", shape.Length > 1 ? ParameterRole.Matrix : ParameterRole.Norm, (arange(shape.Aggregate(1L, static (product, size) => product * size), dtype: float32).view(shape) * 0.1f / (place + 1)).requires_grad_())),
    ]);

    private sealed record Outcome(string[] Gathered, long Kept, List<string> Saved, PartState State);
}
