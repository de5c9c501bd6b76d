using System.Globalization;

namespace LeapAlign.Algorithms.Forward;

/// <summary>
/// How a lagged policy follows the trained one: <c>d = start</c> before the step s0, then <c>min(start + slope (step − s0), end)</c>. Written
/// <c>s0-start-slope-end</c>, or as one of the published types of DiffusionNFT: 0 copies after every step, 1 is <c>0-0-0.001-0.5</c>, 2 is
/// <c>75-0-0.0075-0.999</c>.
/// </summary>
/// <param name="Flat">s0.</param>
/// <param name="Start">In [0, 1].</param>
/// <param name="Slope">By step, at least 0.</param>
/// <param name="End">In [0, 1].</param>
internal sealed record DecaySchedule(int Flat, double Start, double Slope, double End)
{
    /// <summary>What <see cref="Parse"/> takes.</summary>
    public const string Pattern = @"^([012]|[0-9]{1,9}-(0(\.[0-9]+)?|1(\.0+)?)-[0-9]{1,9}(\.[0-9]+)?-(0(\.[0-9]+)?|1(\.0+)?))$";

    /// <summary>The explanation of such a setting.</summary>
    public const string Notation = "s0-start-slope-end: the decay is start before step s0, then min(start + slope (step - s0), end), 0 being a copy; or a type of DiffusionNFT: 0 (copy after every step), 1 (0-0-0.001-0.5), 2 (75-0-0.0075-0.999).";

    /// <summary>Reads a text of the form of <see cref="Pattern"/>.</summary>
    /// <exception cref="FormatException">It has another form.</exception>
    public static DecaySchedule Parse(string text)
    {
        var published = text switch
        {
            "0" => "0-0-0-0",
            "1" => "0-0-0.001-0.5",
            "2" => "75-0-0.0075-0.999",
            _ => text,
        };
        var parts = published.Split('-');
        if (parts.Length != 4) throw new FormatException($"'{text}' is not of the form s0-start-slope-end");
        return new(int.Parse(parts[0], CultureInfo.InvariantCulture), Number(parts[1]), Number(parts[2]), Number(parts[3]));
    }

    /// <summary>d after a step.</summary>
    /// <param name="step">From 0.</param>
    public double At(int step) => step < Flat ? Start : Math.Min(Start + (Slope * (step - Flat)), End);

    private static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);
}
