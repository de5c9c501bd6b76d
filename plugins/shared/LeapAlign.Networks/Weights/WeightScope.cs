using LeapAlign.Contracts.Adapters;
using LeapAlign.Contracts.Weights;

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

    /// <summary>Declares a weight of this scope whose role its name and shape do not say.</summary>
    public Weight Weight(string name, ParameterRole role, params long[] shape) => _set.Declare(_prefix + name, shape, isBuffer: false, role);

    /// <summary>Declares the linear layer of this scope as a site of adapters.</summary>
    /// <param name="inputs">The width of its input.</param>
    /// <param name="outputs">The width of its output.</param>
    /// <param name="role">What it does.</param>
    public AdapterSite Site(long inputs, long outputs, SiteRole role) => _set.Declare(new AdapterSite(_prefix.TrimEnd('.'), inputs, outputs, role));

    /// <summary>What is declared below this scope by now, stored constants included.</summary>
    public IReadOnlyList<Weight> Weights
    {
        get
        {
            var prefix = _prefix;
            return [.. _set.All.Where(weight => weight.Name.StartsWith(prefix, StringComparison.Ordinal))];
        }
    }

    /// <summary>The sites of adapters that are declared below this scope by now.</summary>
    public IReadOnlyList<AdapterSite> Sites
    {
        get
        {
            var prefix = _prefix;
            return [.. _set.Sites.Where(site => site.Name.StartsWith(prefix, StringComparison.Ordinal))];
        }
    }

    /// <summary>Declares a stored constant of this scope.</summary>
    public Weight Buffer(string name, params long[] shape) => _set.Declare(_prefix + name, shape, isBuffer: true);
}
