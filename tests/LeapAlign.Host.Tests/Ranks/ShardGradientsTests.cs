using System.Security.Cryptography;
using LeapAlign.Contracts.Ranks;
using LeapAlign.Contracts.Weights;
using LeapAlign.Host.Kernel.Ranks;
using LeapAlign.Testing;
using static TorchSharp.torch;

namespace LeapAlign.Host.Tests.Ranks;

/// <summary>Gradients of all processes, added up: in all of them, or each in the one that keeps it.</summary>
public sealed class ShardGradientsTests
{
    // One is larger than a buffer, one has no gradient anywhere, and one has one in the last process alone.
    private static readonly long[][] s_shapes = [[3], [RunRanks.BucketElements + 5], [], [4, 6], [7], [2, 2]];
    private const int Nowhere = 4, InTheLast = 5;

    [Theory]
    [InlineData(2)]
    [InlineData(4)]
    public void Sums_have_the_bits_of_a_tree_however_they_are_cut(int world)
    {
        using var scope = NewDisposeScope();
        var expected = Expected(world);
        Assert.All(ThreadedRanks.Run(world, communicator => Joined(communicator, null)), joined => Assert.Equal(expected, joined.Gradients));
    }

    [Theory]
    [InlineData(2)]
    [InlineData(4)]
    public void Each_process_keeps_its_own_alone(int world)
    {
        using var scope = NewDisposeScope();
        var expected = Expected(world);
        int[] owners = [.. Enumerable.Range(0, s_shapes.Length).Select(place => place * 5 % world)];
        var all = ThreadedRanks.Run(world, communicator => Joined(communicator, owners));
        for (var rank = 0; rank < world; rank++) Assert.Equal(expected.Select((gradient, place) => owners[place] == rank ? gradient : null), all[rank].Gradients);
        // What is asked of gradients has the same answer as where all processes keep all.
        var whole = ThreadedRanks.Run(world, communicator => Joined(communicator, null))[0];
        Assert.All(all, each => Assert.Equal((whole.Norm, whole.Long), (each.Norm, each.Long)));
        Assert.Equal("1", whole.Long);
    }

    [Fact]
    public void One_process_has_what_it_had()
    {
        using var scope = NewDisposeScope();
        var alone = Joined(OneProcess.Instance, [0, 0, 0, 0, 0, 0]);
        Assert.Equal(Gradients(0, 1).Select(Digest), alone.Gradients);
    }

    [Fact]
    public void Nothing_has_no_length()
    {
        Assert.All(ThreadedRanks.Run(2, static communicator =>
        {
            using var scope = NewDisposeScope();
            using var gradients = new ShardGradients(Parameters(), new RunRanks(communicator), 1, 1, [0, 1, 0, 1, 0, 1]);
            gradients.Join();
            return gradients.Norm().item<float>();
        }), static norm => Assert.Equal(0, norm));
    }

    private static (string?[] Gradients, float Norm, string Long) Joined(ICommunicator communicator, int[]? owners)
    {
        using var scope = NewDisposeScope();
        var parameters = Parameters();
        foreach (var (parameter, gradient) in parameters.Zip(Gradients(communicator.Rank, communicator.World))) parameter.Value.grad = gradient;
        using var gradients = new ShardGradients(parameters, new RunRanks(communicator), 1, 1, owners);
        gradients.Join();
        var large = gradients.With("which gradients are long", static gradient => gradient.numel() > RunRanks.BucketElements).Select(static parameter => parameter.Name);
        return ([.. parameters.Select(static parameter => Digest(parameter.Value.grad))], gradients.Norm().item<float>(), string.Join(' ', large));
    }

    // Of all bits.
    private static string? Digest(Tensor? values)
    {
        if (values is null) return null;
        using var laid = values.detach().contiguous();
        return Convert.ToHexString(SHA256.HashData(laid.bytes));
    }

    private static ParameterSet Parameters() => new(s_shapes.Select(static (shape, place) => new Parameter($"{place}", ParameterRole.Matrix, zeros(shape, dtype: ScalarType.Float32).requires_grad_())));

    // The fourth is laid otherwise in memory.
    private static IReadOnlyList<Tensor?> Gradients(int rank, int world) => [.. s_shapes.Select((shape, place) =>
        place == Nowhere || (place == InTheLast && rank < world - 1) ? null : place == 3 ? Values(rank, place, [shape[1], shape[0]]).t() : Values(rank, place, shape))];

    // Numbers whose sum depends on the order.
    private static Tensor Values(int rank, int place, long[] shape) =>
        (arange(shape.Aggregate(1L, static (left, right) => left * right), dtype: ScalarType.Float32).sin() * Math.Pow(3, rank) * (place + 1)).to(ScalarType.Float32).view(shape);

    private static string?[] Expected(int world)
    {
        var all = Enumerable.Range(0, world).Select(rank => Gradients(rank, world)).ToList();
        return [.. Enumerable.Range(0, s_shapes.Length).Select(place =>
        {
            if (all.TrueForAll(each => each[place] is null)) return null;
            var rows = all.Select(each => each[place] ?? zeros(s_shapes[place])).ToList();
            while (rows.Count > 1) rows = [.. rows.Chunk(2).Select(static pair => pair[0] + pair[1])];
            return Digest(rows[0] / world);
        })];
    }
}
