using System.Globalization;
using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Optimizers;
using LeapAlign.Contracts.Ranks;
using LeapAlign.Contracts.State;
using LeapAlign.Contracts.Weights;
using LeapAlign.Host.Kernel.Ranks;
using LeapAlign.Host.Kernel.State;
using LeapAlign.Pipeline;
using LeapAlign.Testing;
using static TorchSharp.torch;

namespace LeapAlign.Host.Tests.Ranks;

/// <summary>The state of an optimizer in shares: the weights of one that has it all, less memory, and checkpoints of any number of processes.</summary>
public sealed class ShardedOptimizationTests
{
    private static readonly (string Name, ParameterRole Role, long[] Shape)[] s_forms =
    [
        ("bias", ParameterRole.Bias, [3]), ("large", ParameterRole.Matrix, [7, 5]), ("norm", ParameterRole.Norm, [4]), ("middle", ParameterRole.Matrix, [4, 4]),
        ("still", ParameterRole.Matrix, [2, 6]), ("small", ParameterRole.Matrix, [3, 3]), ("offset", ParameterRole.Bias, [2]),
    ];

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(16)]
    public void Weights_and_rates_are_those_of_one_that_keeps_all(int world)
    {
        var alone = Trained(OneProcess.Instance, 3);
        var all = ThreadedRanks.Run(world, static communicator => Trained(communicator, 3));
        Assert.All(all, each => Assert.Equal(alone.Values, each.Values));
        Assert.All(all, each => Assert.Equal(alone.Rates, each.Rates));
        // Every number has one owner, and none has much more than its share.
        Assert.Equal(alone.Kept, all.Sum(static each => each.Kept));
        Assert.True(all.Max(static each => each.Kept) <= (alone.Kept / world) + s_forms.GroupBy(static form => form.Role).Sum(static role => role.Max(static form => form.Shape.Aggregate(1L, static (left, right) => left * right))));
    }

    [Fact]
    public void The_first_process_has_the_state_of_all_until_the_next_update()
    {
        var alone = Trained(OneProcess.Instance, 2);
        var all = ThreadedRanks.Run(2, static communicator =>
        {
            using var scope = NewDisposeScope();
            var (parameters, optimization) = Begun(communicator);
            for (var update = 0; update < 2; update++) Update(parameters, optimization, update);
            var before = optimization.IsWhole;
            optimization.Collect();
            optimization.Collect();
            var (whole, state) = (optimization.IsWhole, State(optimization.Save()));
            Update(parameters, optimization, 2);
            return (Before: before, Whole: whole, State: state, After: optimization.IsWhole);
        });
        Assert.Equal([(false, true, false), (false, false, false)], all.Select(static each => (each.Before, each.Whole, each.After)));
        Assert.Equal(alone.State, all[0].State);
        Assert.True(all[1].State.Count < alone.State.Count);
    }

    [Theory]
    [InlineData(1, 2)]
    [InlineData(2, 3)]
    [InlineData(3, 1)]
    public void A_run_goes_on_with_another_number_of_processes(int before, int after)
    {
        var expected = Trained(OneProcess.Instance, 4);
        using var scope = NewDisposeScope();
        var saved = ThreadedRanks.Run(before, static communicator => Trained(communicator, 2))[0];
        var resumed = ThreadedRanks.Run(after, communicator => Trained(communicator, 4, saved));
        Assert.All(resumed, each => Assert.Equal(expected.Values, each.Values));
        Assert.Equal(expected.State, resumed[0].State);
    }

    [Fact]
    public void The_first_process_has_some_of_every_role()
    {
        using var scope = NewDisposeScope();
        var parameters = Parameters();
        var owners = ShardedOptimization.Owners(parameters, 4);
        Assert.All(parameters.Select(static (parameter, place) => (parameter.Role, Place: place)).GroupBy(static each => each.Role), role => Assert.Contains(role, each => owners[each.Place] == 0));
        // Of the four matrices of 35, 16, 12 and 9 numbers each process has one; two processes share them as 35 and 37.
        Assert.Equal([0, 1, 2, 3], new[] { 1, 3, 4, 5 }.Select(place => owners[place]));
        Assert.Equal([0, 1, 1, 1], new[] { 1, 3, 4, 5 }.Select(place => ShardedOptimization.Owners(parameters, 2)[place]));
    }

    private static Outcome Trained(ICommunicator communicator, int updates, Outcome? from = null)
    {
        using var scope = NewDisposeScope();
        var (parameters, optimization) = Begun(communicator);
        using var _ = optimization;
        if (from is not null)
        {
            using var frozen = no_grad();
            foreach (var (parameter, values) in parameters.Zip(from.Values)) parameter.Value.copy_(tensor(values).view(parameter.Value.shape));
            // As a resume: the first process reads the checkpoint, and sends it to the others.
            if (communicator.Rank == 0) optimization.Load(from.Saved).Value();
            SharedState.OfFirst(new RunRanks(communicator), [("optimizer", optimization)], new RunProgress()).Value();
        }
        List<double> rates = [];
        for (var update = from?.Rates.Count ?? 0; update < updates; update++) rates.Add(Update(parameters, optimization, update));
        var kept = (optimization.Own as IStateful)!.Save().Tensors.Sum(static each => each.Value.numel());
        optimization.Collect();
        var saved = optimization.Save();
        return new Outcome(
            [.. parameters.Select(static parameter => parameter.Value.detach().flatten().data<float>().ToArray())],
            rates,
            kept,
            State(saved),
            new PartState(saved.Version, [.. saved.Tensors.Select(static each => new NamedTensor(each.Name, each.Value.clone().DetachFromDisposeScope()))], saved.Numbers));
    }

    private static (ParameterSet Parameters, ShardedOptimization Optimization) Begun(ICommunicator communicator)
    {
        var parameters = Parameters();
        return (parameters, new ShardedOptimization(static share => new Momentum(share), parameters, new RunRanks(communicator)));
    }

    private static ParameterSet Parameters() => new(s_forms.Select(static (form, place) => new Parameter(form.Name, form.Role, linspace(-1, place + 1, form.Shape.Aggregate(1L, static (left, right) => left * right), dtype: ScalarType.Float32).view(form.Shape).requires_grad_())));

    private static double Update(ParameterSet parameters, ShardedOptimization optimization, int update)
    {
        foreach (var parameter in parameters.Where(static parameter => parameter.Name != "still")) parameter.Value.grad = parameter.Value.detach().sin() + update;
        var rate = optimization.Update(new UpdateContext(update));
        parameters.ClearGradients();
        return rate;
    }

    private static Dictionary<string, string> State(PartState state) => state.Tensors
        .Select(static each => (each.Name, Text: string.Join(' ', each.Value.detach().flatten().data<float>().Select(static value => value.ToString("R", CultureInfo.InvariantCulture)))))
        .Concat(state.Numbers.Select(static each => (each.Key, Text: each.Value.ToString("R", CultureInfo.InvariantCulture)))).ToDictionary(static each => each.Item1, static each => each.Text);

    private sealed record Outcome(IReadOnlyList<float[]> Values, IReadOnlyList<double> Rates, long Kept, Dictionary<string, string> State, PartState Saved);

    /// <summary>Momentum whose rate falls with its updates and, as of optimizers that treat matrices in another way, depends on what it has.</summary>
    private sealed class Momentum(ParameterSet parameters) : IOptimization, IStateful
    {
        private readonly List<(Parameter Parameter, Tensor Velocity)> _slots = [.. parameters.Select(static parameter => (parameter, zeros_like(parameter.Value.detach())))];
        private int _updates;

        public int StateVersion => 1;

        public double Update(UpdateContext context)
        {
            using var _ = no_grad();
            _updates++;
            foreach (var (parameter, velocity) in _slots.Where(static slot => slot.Parameter.Value.grad is not null))
            {
                velocity.mul_(0.9).add_(parameter.Value.grad!);
                parameter.Value.sub_(velocity * (0.1 / _updates));
            }
            return _slots.Exists(static slot => slot.Parameter.Role == ParameterRole.Matrix) ? 0.1 / _updates : -1;
        }

        public PartState Save() => new(1, [.. _slots.Select(static slot => new NamedTensor($"velocity.{slot.Parameter.Name}", slot.Velocity))], new Dictionary<string, double> { ["updates"] = _updates });

        public Result<Unit> Load(PartState state) => state.Number("updates").Bind(updates =>
        {
            _updates = (int)updates;
            return _slots.Select(slot => state.CopyTo($"velocity.{slot.Parameter.Name}", slot.Velocity)).All().Map(static _ => Unit.Value);
        });

        public void Dispose()
        {
            foreach (var (_, velocity) in _slots) velocity.Dispose();
        }
    }
}
