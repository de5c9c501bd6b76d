using LeapAlign.Contracts.Flow;
using LeapAlign.Methods.Quadrature;

namespace LeapAlign.Algorithms.FlowBp.Lagrange;

/// <summary>A leap by quadrature over some of the velocities between its ends.</summary>
internal sealed class LagrangeLeap
{
    private readonly int[] _supports;
    private readonly double[] _weights;
    private readonly int _active;

    /// <summary>Plans a leap.</summary>
    /// <param name="schedule">The noise levels.</param>
    /// <param name="from">p.</param>
    /// <param name="to">q.</param>
    /// <param name="settings">Order, weights and which supports are active.</param>
    /// <param name="anchor">λ_a, the part of the quadrature; the rest is an Euler leap with gradient.</param>
    public LagrangeLeap(Schedule schedule, int from, int to, LagrangeSettings settings, double anchor)
    {
        _supports = Supports.Of(from, to, settings.Order);
        _active = Supports.ActiveCount(_supports.Length, settings);
        var delta = schedule.Delta(from, to);
        _weights = settings.Weights == SupportWeights.Uniform
            ? [.. _supports.Select(_ => delta / _supports.Length)]
            : LagrangeWeights.Over([.. _supports.Select(schedule.Sigma)], schedule.Sigma(from), schedule.Sigma(to));
        Factor = GradientRescale.Factor(settings.GradientRescale, _weights, _weights.Take(_active));
        Path = new(from, to, [.. _supports.Select(Node)]);

        QuadratureNode Node(int step, int index)
        {
            var weight = anchor * _weights[index];
            var gradient = index < _active ? Factor * weight : 0;
            // The first step is evaluated with gradient in every mode, for the Euler part of the leap.
            if (index == 0) return new(step, weight + ((1 - anchor) * delta), gradient + ((1 - anchor) * delta));
            return new(step, weight, index < _active ? settings.SupportScale * gradient : null);
        }
    }

    /// <summary>f, the factor that makes up for the supports without gradient.</summary>
    public double Factor { get; }

    /// <summary>The leap with its anchor.</summary>
    public QuadratureLeap Path { get; }

    /// <summary>The supports.</summary>
    public IReadOnlyList<int> Support => _supports;

    /// <summary>Those that carry gradient.</summary>
    public IEnumerable<int> Active => _supports.Take(_active);

    /// <summary>W of the first step. It may have the sign opposite to the leap's direction, and then pushes its velocity the other way.</summary>
    public double StartWeight => _weights[0];

    /// <summary>Σ|W|, which exceeds the length of the leap when there are weights of both signs.</summary>
    public double WeightSum => _weights.Sum(Math.Abs);
}
