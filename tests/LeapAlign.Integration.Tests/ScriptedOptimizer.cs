using LeapAlign.Contracts.Optimizers;
using LeapAlign.Contracts.Weights;
using static TorchSharp.torch;

namespace LeapAlign.Integration.Tests;

/// <summary>An optimizer that a test scripts.</summary>
internal class ScriptedOptimizer : IOptimizer
{
    public Action<UpdateContext, ParameterSet> Change { get; init; } = static (_, _) => { };

    public virtual IOptimization Begin(ParameterSet parameters, double? rate = null) => new Optimization(this, parameters);

    public class Optimization(ScriptedOptimizer optimizer, ParameterSet parameters) : IOptimization
    {
        public double Update(UpdateContext context)
        {
            using var _ = no_grad();
            optimizer.Change(context, parameters);
            return 0;
        }

        public void Dispose() => GC.SuppressFinalize(this);
    }
}

/// <summary>One that has steps made elsewhere.</summary>
internal sealed class Prober(Func<ParameterSet, IReadOnlyList<Tensor>?> probe) : ScriptedOptimizer
{
    public override IOptimization Begin(ParameterSet parameters, double? rate = null) => new Probing(this, parameters, probe);

    private sealed class Probing(ScriptedOptimizer optimizer, ParameterSet parameters, Func<ParameterSet, IReadOnlyList<Tensor>?> probe) : Optimization(optimizer, parameters), IProbingOptimization
    {
        private readonly ParameterSet _parameters = parameters;

        public IReadOnlyList<Tensor>? Probe() => probe(_parameters);
    }
}

/// <summary>One that takes the gradient of each objective.</summary>
internal sealed class RowTaker(Action<GradientRow> take) : ScriptedOptimizer
{
    public override IOptimization Begin(ParameterSet parameters, double? rate = null) => new Rows(this, parameters, take);

    private sealed class Rows(ScriptedOptimizer optimizer, ParameterSet parameters, Action<GradientRow> take) : Optimization(optimizer, parameters), IRowOptimization
    {
        public void Take(GradientRow row) => take(row);
    }
}
