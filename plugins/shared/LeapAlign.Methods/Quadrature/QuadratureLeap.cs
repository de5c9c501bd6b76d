using LeapAlign.Contracts.Flow;

namespace LeapAlign.Methods.Quadrature;

/// <summary>From the state at one step to that at a later one by the velocities between them: <c>x̂_q = x_p + Σ W_m v_m</c>.</summary>
/// <param name="From">p, the step it starts from.</param>
/// <param name="To">q, where it arrives; N is the final sample.</param>
/// <param name="Nodes">Steps m in [p, q) with their weights, rising.</param>
public sealed record QuadratureLeap(int From, int To, IReadOnlyList<QuadratureNode> Nodes)
{
    /// <summary>The Euler steps of the schedule themselves, some of them active: <c>x_p + Σ Δ_i (active ? G_f(v_i) : sg(v_i))</c>.</summary>
    /// <param name="schedule">The noise levels.</param>
    /// <param name="from">p.</param>
    /// <param name="to">q.</param>
    /// <param name="active">The steps that carry gradient; those outside of [p, q) do not matter.</param>
    /// <param name="factor">f, the factor of their gradients.</param>
    public static QuadratureLeap AlongSteps(Schedule schedule, int from, int to, IReadOnlyCollection<int> active, double factor)
    {
        ArgumentNullException.ThrowIfNull(schedule);
        ArgumentNullException.ThrowIfNull(active);
        return new(from, to, [.. Enumerable.Range(from, to - from).Select(Node)]);

        QuadratureNode Node(int step)
        {
            var delta = schedule.Delta(step, step + 1);
            return new(step, delta, active.Contains(step) ? factor * delta : null);
        }
    }
}
