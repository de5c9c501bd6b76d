using LeapAlign.Contracts.Ranks;
using static TorchSharp.torch;

namespace LeapAlign.Contracts.Solvers;

/// <summary>
/// The constants of DADAO (Nabli and Oyallon, ICML 2023, PMLR 202:25604), which minimises a mean of functions over the nodes of a graph without a server: each node takes gradients of its own function at random times,
/// and each edge lets its two nodes exchange one vector at random times, independently of the others. With ν = μ/2 and κ = √(ν/L), nodes take gradients at rate 1.
/// </summary>
/// <param name="Smooth">L: every function has a gradient of this Lipschitz constant.</param>
/// <param name="Strong">μ: every function is convex, and stays so without this much of ½‖x‖².</param>
/// <param name="GossipRate">The rate of exchanges, over all edges: √(2 c₁ c₂), at which a time of 1 brings nodes together as far as gradients need it. Each edge has as much of it as the others.</param>
/// <param name="Connectivity">χ₁ = c₁ / rate.</param>
public sealed record DadaoRates(double Smooth, double Strong, double GossipRate, double Connectivity)
{
    /// <summary>The part of a difference that an exchange moves in z.</summary>
    public const double Beta = 0.5;

    /// <summary>ν.</summary>
    public double Nu => Strong / 2;

    /// <summary>κ: in a time of 1/κ the distance to the minimum falls by a factor that depends on nothing else.</summary>
    public double Kappa => Math.Sqrt(Nu / Smooth);

    /// <summary>How strongly x and x̃ attract each other.</summary>
    public double Eta => Kappa / 8;

    /// <summary>How strongly ỹ attracts y, and z̃ z.</summary>
    public double Alpha => Kappa / 4;

    /// <summary>How strongly z attracts z̃.</summary>
    public double AlphaTilde => Kappa / 8;

    /// <summary>How fast ỹ falls.</summary>
    public double Theta => 1 / (2 * Kappa);

    /// <summary>The part of a difference that an exchange moves in z̃.</summary>
    public double BetaTilde => 2 * Connectivity / Kappa;

    /// <summary>The part of a residual that a gradient adds to ỹ.</summary>
    public double Delta => 1 + (Kappa / 4);

    /// <summary>The step of x.</summary>
    public double Gamma => 1 / (4 * Smooth);

    /// <summary>The step of x̃.</summary>
    public double GammaTilde => 1 / (4 * Math.Sqrt(Smooth * Nu));

    /// <summary>The constants of a graph whose edges are all as likely.</summary>
    /// <param name="graph">The graph. One process has no exchanges.</param>
    /// <param name="smooth">L.</param>
    /// <param name="strong">μ, 0 &lt; μ ≤ L.</param>
    public static DadaoRates Of(RankGraph graph, double smooth, double strong)
    {
        ArgumentNullException.ThrowIfNull(graph);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(strong);
        ArgumentOutOfRangeException.ThrowIfLessThan(smooth, strong);
        if (graph.World == 1) return new(smooth, strong, 0, 0);
        using var scope = NewDisposeScope();
        var laplacian = new double[graph.World, graph.World];
        var share = 1.0 / graph.Edges.Count;
        foreach (var (first, second) in graph.Edges)
        {
            laplacian[first, first] += share;
            laplacian[second, second] += share;
            laplacian[first, second] -= share;
            laplacian[second, first] -= share;
        }
        var matrix = tensor(laplacian, dtype: ScalarType.Float64);
        // Connected: the least eigenvalue but one is above 0.
        var slowest = 1 / linalg.eigvalsh(matrix)[1].item<double>();
        var resistance = linalg.pinv(matrix, hermitian: true).data<double>().ToArray();
        double At(int row, int column) => resistance[(row * graph.World) + column];
        var widest = graph.Edges.Max(edge => 0.5 * (At(edge.First, edge.First) + At(edge.Second, edge.Second) - (2 * At(edge.First, edge.Second))));
        var rate = Math.Sqrt(2 * slowest * widest);
        return new(smooth, strong, rate, slowest / rate);
    }
}
