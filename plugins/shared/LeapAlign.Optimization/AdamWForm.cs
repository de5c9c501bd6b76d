using LeapAlign.Contracts.Weights;

namespace LeapAlign.Optimization;

/// <summary>The numbers of AdamW beside its rate, and which implementation computes it.</summary>
/// <param name="Beta1">The decay of the first moment, in [0, 1).</param>
/// <param name="Beta2">The decay of the second moment, in [0, 1).</param>
/// <param name="Epsilon">ε, added to the root of the second moment.</param>
/// <param name="Fused">Whether one kernel computes the update where the device has it.</param>
public sealed record AdamWForm(double Beta1, double Beta2, double Epsilon, bool Fused);

/// <summary>Which parameters decay, and how strongly: a norm or a bias that shrinks does not make a network simpler.</summary>
/// <param name="Strength">Each update first scales a parameter by 1 − rate · strength.</param>
/// <param name="All">Whether biases, norms and embeddings decay, too.</param>
public sealed record WeightDecay(double Strength, bool All)
{
    /// <summary>The decay of a parameter; 0 for none.</summary>
    public double Of(Parameter parameter)
    {
        ArgumentNullException.ThrowIfNull(parameter);
        return All || parameter.Decays ? Strength : 0;
    }
}

/// <summary>Learning rates that begin small.</summary>
public static class WarmUp
{
    /// <summary>The rate of an update: it rises linearly from rate/updates to the rate.</summary>
    /// <param name="rate">The rate after warm-up.</param>
    /// <param name="updates">Updates over which it rises; 0 or 1 begins with all of it.</param>
    /// <param name="index">The update, from 0.</param>
    public static double Rate(double rate, int updates, int index) => updates > 1 ? rate * Math.Min(1, (index + 1.0) / updates) : rate;
}
