using System.Globalization;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Bench.Cases;

/// <summary>What cases with seeds share: their table, and what they fail.</summary>
internal static class SeededCases
{
    /// <summary>Runs a case for each seed, and says whether every one of them shows what is published.</summary>
    /// <param name="header">The head of the table.</param>
    /// <param name="seeds">None for 0, 1 and 2.</param>
    /// <param name="seed">Prints the rows of a seed, and returns what does not show.</param>
    public static Result<Unit> Run(string header, IReadOnlyList<string> seeds, Func<long, List<string>> seed)
    {
        set_num_threads(1);
        Console.WriteLine(header);
        Console.WriteLine($"|{string.Concat(Enumerable.Repeat("---|", header.Count(static letter => letter == '|') - 1))}");
        List<string> failures = [];
        foreach (var number in seeds.Count > 0 ? seeds : ["0", "1", "2"]) failures.AddRange(seed(long.Parse(number, CultureInfo.InvariantCulture)));
        return failures.Count == 0 ? Unit.Value : new Fault.Run(FaultCodes.ReplayDiffers, $"what is published does not show: {string.Join("; ", failures)}");
    }

    /// <summary>What does not hold.</summary>
    public static string[] Unless(bool holds, string otherwise) => holds ? [] : [otherwise];
}
