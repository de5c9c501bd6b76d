using LeapAlign.Contracts.Optimizers;
using LeapAlign.Contracts.Weights;
using LeapAlign.Optimization;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Optimizers.Gram;

/// <summary>
/// Sven (Bright-Thonney, Harvey, Lukas and Thaler, arXiv 2604.01279): each loss of a step is a condition that is to become 0, and the step is the one that brings all of
/// them there at once by their linear models, <c>θ ← θ − rate · M⁺ R</c> with <c>R_i = ℓ_i^(κ/2)</c>, <c>M_i = ∂R_i/∂θ</c> and a pseudo-inverse that is cut to the largest
/// singular values. With as many of these as conditions, a factor in front of a condition changes nothing.
/// </summary>
/// <param name="settings">Rate, rank and limits.</param>
public sealed class SvenOptimizer(SvenSettings settings) : IOptimizer
{
    /// <inheritdoc/>
    public IOptimization Begin(ParameterSet parameters, double? rate = null)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        return new Optimization(rate is { } given ? settings with { Rate = given } : settings, parameters);
    }

    // Nothing is kept from step to step, so that there is no state.
    private sealed class Optimization(SvenSettings settings, ParameterSet parameters) : IRowOptimization
    {
        private readonly GradientMatrix _gradients = new(parameters, settings.Precision);
        private readonly List<double> _losses = [];
        private int _rows;

        // Of the step before: all of the memory is asked for once.
        private int _expected = 1;

        public void Take(GradientRow row)
        {
            ArgumentNullException.ThrowIfNull(row);
            if (row.Index == 0) Forget();
            if (row.Loss < 0) throw new FaultException(Negative(row));
            var condition = row.Index / settings.RowsPerCondition;
            if (condition == _losses.Count)
            {
                _losses.Add(0);
                if (condition >= _gradients.Capacity) _gradients.Reserve(Math.Max(_expected, 2 * condition));
                _gradients.Clear(condition);
            }
            _losses[condition] += row.Share * row.Loss;
            _gradients.Add(condition, row.Gradients, row.Share);
            _rows++;
        }

        public double Update(UpdateContext context)
        {
            ArgumentNullException.ThrowIfNull(context);
            using var scope = NewDisposeScope();
            using var _ = no_grad();
            var conditions = _losses.Count;
            if (conditions == 0) return settings.Rate;
            var rank = Rank(conditions);
            // Shares are relative to those of a plain mean.
            double[] losses = [.. _losses.Select(loss => loss * conditions)];
            var slopes = tensor(losses.Select(loss => conditions * Slope(loss)).ToArray(), ScalarType.Float64);
            var residuals = tensor(losses.Select(loss => Math.Pow(loss, settings.Kappa / 2)).ToArray(), ScalarType.Float64);
            var inverse = TruncatedInverse.Of(_gradients.Gram(conditions) * slopes * slopes.unsqueeze(1), residuals, rank, settings.Rtol);
            var direction = _gradients.Combined(inverse.Coefficients * slopes);
            var length = settings.Rate * direction.Length();
            var shortened = settings.MaxUpdateNorm > 0 && length > settings.MaxUpdateNorm ? settings.MaxUpdateNorm / length : 1;
            parameters.Move(direction, -settings.Rate * shortened);
            context.Measure("rank", inverse.Kept);
            context.Measure("unmet", losses.Count(static loss => loss > 0));
            context.Measure("spread", inverse.Spread);
            context.Measure("length", length * shortened);
            if (settings.MaxUpdateNorm > 0) context.Measure("shortened", shortened);
            _expected = conditions;
            Forget();
            _gradients.Release();
            return settings.Rate;
        }

        public void Dispose() => _gradients.Dispose();

        // ∂R/∂ℓ. A root has none at 0, where its condition is met: the row becomes zero and drops out. At κ = 2 a condition that is met stays a row, and is not given up for others.
        private double Slope(double loss) => loss > 0 || settings.Kappa >= 2 ? settings.Kappa / 2 * Math.Pow(loss, (settings.Kappa / 2) - 1) : 0;

        private void Forget()
        {
            _losses.Clear();
            _rows = 0;
        }

        private int Rank(int conditions)
        {
            if (_rows % settings.RowsPerCondition != 0)
                throw Misfit($"sven: a step has {_rows} losses of micro-batches, which are no whole conditions of rowsPerCondition = {settings.RowsPerCondition}");
            if (settings.Rank > conditions) throw Misfit($"sven: rank is {settings.Rank}, but a step has {conditions} conditions; run.accumulation makes more of them");
            return settings.Rank ?? Math.Max(1, conditions / 2);
        }

        private static FaultException Misfit(string message) => new(new Fault.Composition(FaultCodes.SettingsDoNotFit, message));

        private static Fault.Composition Negative(GradientRow row) => new(
            FaultCodes.NoCondition,
            FormattableString.Invariant($"sven: loss {row.Index + 1} of the step is {row.Loss:G6}, and sven brings every loss to 0, which would raise it; it needs losses that are 0 where a condition is met, such as the hinge of a reward"));
    }
}
