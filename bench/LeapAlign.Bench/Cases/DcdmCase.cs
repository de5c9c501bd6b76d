using LeapAlign.Contracts.Randomness;
using LeapAlign.Contracts.Solvers;
using static TorchSharp.torch;

namespace LeapAlign.Bench.Cases;

/// <summary>Poisson's equation on 32 x 32 points by conjugate directions that a small network proposes, trained on mixtures of Ritz vectors (Kaneda et al. 2022), beside conjugate gradients.</summary>
internal static class DcdmCase
{
    private const int Side = 32, Points = Side * Side, Ritz = 300, Mixtures = 1200, Epochs = 8, Batch = 20;
    private const double Rate = 4e-3;

    public static IEnumerable<CaseFigure> Run()
    {
        foreach (var seed in Enumerable.Range(0, 3))
        {
            using var scope = NewDisposeScope();
            var key = RandomKey.OfRun(seed);
            using var network = new DirectionNetwork(CasesBench.Optimizer("adamw", FormattableString.Invariant($$"""{ "rate": {{Rate}}, "weightDecay": 0, "fused": false }""")), key.For("network"));
            Train(network, key);
            var end = new LinearEnd(1e-4, 500);
            foreach (var (what, right) in RightSides(key))
            {
                var plain = new ConjugateDirections().Solve(Apply, right, end);
                var learnt = new ConjugateDirections(Propose).Solve(Apply, right, end);
                yield return new CaseFigure($"{what}, seed {seed}: iterations of conjugate gradients", plain.Iterations);
                yield return new CaseFigure($"{what}, seed {seed}: iterations with learnt directions", learnt.Iterations, "<= 15", learnt.Iterations <= 15 && learnt.Residual <= 1e-4);
            }
            Tensor Propose(Tensor residual)
            {
                using var _ = no_grad();
                return network.Forward(residual.to(ScalarType.Float32).view(1, 1, Side, Side)).to(ScalarType.Float64).flatten();
            }
        }
    }

    private static IEnumerable<(string, Tensor)> RightSides(RandomKey key)
    {
        yield return ("random", key.For("right").Normal([Points], CPU).to(ScalarType.Float64));
        yield return ("smooth", outer(linspace(0, 3, Side, dtype: ScalarType.Float64).sin(), linspace(0, 5, Side, dtype: ScalarType.Float64).cos()).flatten());
        var two = zeros(Points, dtype: ScalarType.Float64);
        two[100] = 1;
        two[700] = -1;
        yield return ("two points", two);
    }

    private static Tensor Apply(Tensor vector) => Stencil(vector.view(1, 1, Side, Side)).flatten();

    private static Tensor Stencil(Tensor field) => nn.functional.conv2d(field, tensor([0.0, -1, 0, -1, 4, -1, 0, -1, 0]).view(1, 1, 3, 3).to(field.dtype), padding: [1, 1]);

    // mean ‖r − s A q‖² of q = f(r), with the s that makes it least.
    private static void Train(DirectionNetwork network, RandomKey key)
    {
        var mixtures = Data(key);
        for (var epoch = 0; epoch < Epochs; epoch++)
        {
            var order = key.For("order", epoch).Open().Shuffle(Enumerable.Range(0, Mixtures).Select(static row => (long)row));
            foreach (var rows in order.Chunk(Batch))
            {
                using var scope = NewDisposeScope();
                var residual = mixtures.index_select(0, tensor(rows));
                var direction = network.Forward(residual);
                var image = Stencil(direction);
                var length = (residual * direction).sum([1, 2, 3], keepdim: true) / (direction * image).sum([1, 2, 3], keepdim: true);
                (residual - (length * image)).square().sum([1, 2, 3]).mean().backward();
                network.Update((1 + Math.Cos(Math.PI * epoch / Epochs)) / 2);
            }
        }
    }

    // Ritz vectors of a Lanczos basis, mixed with normal factors of which those of the lower half, and some beyond, are nine times as large; of length 1.
    private static Tensor Data(RandomKey key)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var vector = key.For("lanczos").Normal([Points], CPU).to(ScalarType.Float64);
        vector = vector / vector.norm();
        List<Tensor> basis = [];
        double[] along = new double[Ritz], across = new double[Ritz];
        for (var j = 0; j < Ritz; j++)
        {
            basis.Add(vector);
            var next = Apply(vector);
            along[j] = next.dot(vector).item<double>();
            var all = stack(basis);
            // Twice is enough.
            for (var again = 0; again < 2; again++) next = next - all.t().matmul(all.matmul(next));
            across[j] = next.norm().item<double>();
            vector = next / across[j];
        }
        var beside = diag(tensor(across[..^1]), 1);
        var (_, vectors) = linalg.eigh(diag(tensor(along)) + beside + beside.t());
        var factors = key.For("factors").Normal([Mixtures, Ritz], CPU).to(ScalarType.Float64);
        factors.narrow(1, 0, (Ritz / 2) + (Ritz / 20)).mul_(9);
        var mixed = factors.matmul(vectors.t()).matmul(stack(basis));
        return (mixed / mixed.norm(1, keepdim: true)).to(ScalarType.Float32).view(Mixtures, 1, Side, Side).MoveToOuterDisposeScope();
    }
}
