namespace LeapAlign.Algorithms.Forward.Tests;

/// <summary>Networks that several tests use.</summary>
internal static class Networks
{
    /// <summary>Samples of four prompts, twos of each, in as many micro-batches as asked for.</summary>
    public static PolicyNetwork Grouped(int batches = 2, int dimensions = 3, Dictionary<string, (double A, double B)>? copies = null, int index = 0)
    {
        const int prompts = 4, group = 2;
        double[][] samples = [.. Enumerable.Range(0, prompts * group).Select(sample => Enumerable.Range(0, dimensions).Select(d => Math.Sin((7.3 * sample) + (2.9 * d) + 1) * 1.4).ToArray())];
        int[] groups = [.. Enumerable.Range(0, samples.Length).Select(static sample => sample / group)];
        var size = samples.Length / batches;
        return new PolicyNetwork { Clean = [.. samples.Chunk(size)], Groups = [.. groups.Chunk(size)], Copies = copies ?? Default, Index = index };
    }

    public static Dictionary<string, (double A, double B)> Default => new PolicyNetwork { Clean = [], Groups = [] }.Copies;

    /// <summary>Copies that are all the trained policy itself.</summary>
    public static Dictionary<string, (double A, double B)> OnPolicy
    {
        get
        {
            var network = new PolicyNetwork { Clean = [], Groups = [] };
            return network.Copies.Keys.ToDictionary(static name => name, _ => (network.A.item<double>(), network.B.item<double>()));
        }
    }
}
