using LeapAlign.Contracts.Solvers;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Host.Fitting;

/// <summary>
/// The last layer of a reward as a ridge regression, <c>min Σ (w·x + b − y)² / n + λ |w|²</c>, with the λ at which rows that are set aside are told best. Where that is, the derivative of their error by ln λ says: w is
/// what the regression solves for, and is differentiated as such (<see cref="RootVjp"/>). Everything is fp64.
/// </summary>
/// <param name="Weights">w, [m].</param>
/// <param name="Intercept">b.</param>
/// <param name="Lambda">λ.</param>
/// <param name="Error">The mean squared error of the rows that were set aside, of the layer of the others.</param>
internal sealed record RidgeLayer(Tensor Weights, double Intercept, double Lambda, double Error)
{
    // Of λ as a part of the mean variance of what goes in, in steps of a root of ten.
    private const int Lowest = -16, Highest = 6;
    private const int Halvings = 40;

    /// <summary>How a ridge regression is differentiated. Beyond what is made dense by its products, its matrix is known anyway; iterations do not get there where the penalty is next to nothing.</summary>
    /// <param name="size">How many numbers it has.</param>
    /// <param name="matrix">Makes its matrix, where it is asked for.</param>
    public static RootForm Form(int size, Func<Tensor> matrix) => new() { Solver = size <= DenseSolver.Largest ? new DenseSolver() : new KnownMatrix(matrix) };

    /// <summary>Fits to the rows that are not set aside, chooses λ by the others, and fits to all of them with it.</summary>
    /// <param name="inputs">x, [N, m].</param>
    /// <param name="targets">y, [N].</param>
    /// <param name="aside">Which rows are set aside, N; some are, and some are not.</param>
    public static Result<RidgeLayer> Of(Tensor inputs, Tensor targets, IReadOnlyList<bool> aside)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        Tensor Rows(bool those) => tensor([.. Enumerable.Range(0, aside.Count).Where(row => aside[row] == those).Select(static row => (long)row)], device: inputs.device);
        var (kept, others) = (Rows(false), Rows(true));
        var learnt = new Regression(inputs.index_select(0, kept), targets.index_select(0, kept));
        var judged = new Judgement(learnt, inputs.index_select(0, others), targets.index_select(0, others));
        var unit = Math.Log(Math.Max(learnt.Gram.diag().mean().item<double>(), double.Epsilon));
        var grid = Enumerable.Range(Lowest, Highest - Lowest + 1).Select(part => unit + (part * Math.Log(10) / 2)).ToArray();
        var best = grid.MinBy(level => judged.Error(level));
        return judged.Slope(best).Bind(slope =>
        {
            // Downhill, as far as the next point of the grid.
            var (low, high) = slope < 0 ? (best, best + (Math.Log(10) / 2)) : (best - (Math.Log(10) / 2), best);
            return judged.Between(low, high, Halvings).Map(level =>
            {
                var all = new Regression(inputs, targets);
                var weights = all.Solve(level);
                return new RidgeLayer(weights.DetachFromDisposeScope(), all.Intercept(weights), Math.Exp(level), judged.Error(level));
            });
        });
    }

    // Moments of rows around their means: the intercept has no penalty.
    private sealed class Regression
    {
        private readonly double _mean;

        public Regression(Tensor inputs, Tensor targets)
        {
            (Means, _mean) = (inputs.mean([0]), targets.mean().item<double>());
            var centred = inputs - Means;
            Gram = centred.t().matmul(centred) / inputs.shape[0];
            Moments = centred.t().matmul(targets - _mean) / inputs.shape[0];
        }

        public Tensor Means { get; }

        public Tensor Gram { get; }

        public Tensor Moments { get; }

        public Tensor Matrix(double level) => Gram + (eye(Gram.shape[0], dtype: Gram.dtype, device: Gram.device) * Math.Exp(level));

        public Tensor Solve(double level) => linalg.solve(Matrix(level), Moments);

        public double Intercept(Tensor weights) => _mean - Means.dot(weights).item<double>();
    }

    // The error of rows that are set aside, as a function of ln λ.
    private sealed class Judgement(Regression learnt, Tensor inputs, Tensor targets)
    {
        public double Error(double level)
        {
            using var scope = NewDisposeScope();
            return Wrong(learnt.Solve(level)).square().mean().item<double>();
        }

        public Result<double> Slope(double level)
        {
            using var scope = NewDisposeScope();
            var weights = learnt.Solve(level);
            var wrong = Wrong(weights);
            // By w, with the intercept that w brings: inputs around the means of the regression's rows.
            var towards = (inputs - learnt.Means).t().matmul(wrong) * (2.0 / targets.shape[0]);
            return RootVjp.Of((w, given) => learnt.Gram.matmul(w) + (w * given[0].exp()) - learnt.Moments, weights, [tensor(level, dtype: ScalarType.Float64, device: weights.device)], towards, Form((int)weights.shape[0], () => learnt.Matrix(level)))
                .Map(static found =>
                {
                    var slope = found.Values[0].item<double>();
                    found.Values[0].Dispose();
                    found.Solution.Value.Dispose();
                    return slope;
                });
        }

        public Result<double> Between(double low, double high, int halvings)
        {
            for (var halving = 0; halving < halvings; halving++)
            {
                var middle = (low + high) / 2;
                if (!Slope(middle).TryGet(out var slope, out var fault)) return fault;
                if (slope < 0) low = middle;
                else high = middle;
            }
            return (low + high) / 2;
        }

        private Tensor Wrong(Tensor weights) => inputs.matmul(weights) + learnt.Intercept(weights) - targets;
    }

    // The products tell the residual, so that another matrix than that of the products is found out.
    private sealed class KnownMatrix(Func<Tensor> matrix) : ILinearSolver
    {
        public LinearSolution Solve(LinearMap map, Tensor right, LinearEnd end)
        {
            using var scope = NewDisposeScope();
            using var _ = no_grad();
            var solution = linalg.solve(matrix(), right);
            var all = right.norm().item<double>();
            var residual = all == 0 ? 0 : ((right - map(solution)).norm() / all).item<double>();
            return new LinearSolution(solution.MoveToOuterDisposeScope(), 1, residual);
        }
    }
}
