namespace LeapAlign.Networks.Weights;

/// <summary>A prefix of weight names under which a layer declares its own.</summary>
public readonly struct WeightScope
{
    private readonly WeightSet _set;
    private readonly string _prefix;

    internal WeightScope(WeightSet set, string prefix)
    {
        _set = set;
        _prefix = prefix;
    }

    /// <summary>The scope of a sub-module.</summary>
    public static WeightScope operator /(WeightScope scope, string module) => new(scope._set, $"{scope._prefix}{module}.");

    /// <summary>The scope of an entry of a module list.</summary>
    public static WeightScope operator /(WeightScope scope, int index) => new(scope._set, $"{scope._prefix}{index}.");

    /// <summary>Declares a weight of this scope.</summary>
    /// <exception cref="InvalidOperationException">The name is declared already.</exception>
    public Weight Weight(string name, params long[] shape) => _set.Declare(_prefix + name, shape, isBuffer: false);

    /// <summary>Declares a stored constant of this scope.</summary>
    public Weight Buffer(string name, params long[] shape) => _set.Declare(_prefix + name, shape, isBuffer: true);
}
