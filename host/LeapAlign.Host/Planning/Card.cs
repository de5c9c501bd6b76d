using System.Globalization;
using System.Text.RegularExpressions;
using LeapAlign.Host.Configuration;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Planning;

/// <summary>A GPU, by published figures.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Gigabytes">Its memory, in GiB as its maker counts.</param>
/// <param name="Teraflops">Dense bf16 products with fp32 sums, in 10^12 operations a second; null where only the memory is known.</param>
internal sealed partial record Card(string Name, double Gigabytes, double? Teraflops)
{
    // What the contexts of a GPU and its libraries take.
    private const double Context = 0.6;

    /// <summary>What products of real shapes reach of the published figure, at best.</summary>
    public const double Efficiency = 0.4;

    /// <summary>The cards by name, from their makers' data sheets.</summary>
    public static IReadOnlyList<Card> Known { get; } =
    [
        new("rtx-3090", 24, 71), new("rtx-4090", 24, 165), new("rtx-5090", 32, 210), new("rtx-6000-ada", 48, 364), new("l4", 24, 121), new("a10g", 24, 70), new("l40s", 48, 362),
        new("a100-40gb", 40, 312), new("a100-80gb", 80, 312), new("h100", 80, 989), new("h200", 141, 989),
    ];

    /// <summary>Bytes that a run may take.</summary>
    public double Room => (Gigabytes - Context) * (1L << 30);

    /// <summary>Seconds of multiply-adds.</summary>
    public double? Seconds(double multiplyAdds) => Teraflops is { } rate ? 2 * multiplyAdds / (rate * 1e12 * Efficiency) : null;

    /// <summary>The card of a name, or of a memory size such as 24GB.</summary>
    public static Result<Card> Of(string text)
    {
        if (Known.FirstOrDefault(card => string.Equals(card.Name, text, StringComparison.OrdinalIgnoreCase)) is { } known) return known;
        if (Size().Match(text) is { Success: true } size) return new Card(text, double.Parse(size.Groups[1].Value, CultureInfo.InvariantCulture), null);
        return Misuse.Of($"--card is '{text}'; expected a memory size such as 24GB, or one of {string.Join(", ", Known.Select(static card => card.Name))}{NearestName.Hint(text, Known.Select(static card => card.Name))}");
    }

    [GeneratedRegex("^([1-9][0-9]{0,3})(GB|GiB)$", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex Size();
}
