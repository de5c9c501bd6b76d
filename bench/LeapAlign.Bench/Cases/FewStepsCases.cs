using System.Globalization;
using LeapAlign.Algorithms.FewSteps;
using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Pipeline;
using Microsoft.Extensions.Logging.Abstractions;
using static TorchSharp.torch;

namespace LeapAlign.Bench.Cases;

/// <summary>What cases of the plugin few-steps share: seeds, what they fail, and its algorithms.</summary>
internal static class FewStepsCases
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

    /// <summary>An algorithm of the plugin, made and checked as a run does.</summary>
    /// <param name="id">Its id.</param>
    /// <param name="json">Its settings.</param>
    /// <param name="folder">Where its store of pairs is.</param>
    /// <param name="shape">What is trained.</param>
    public static IAlgorithm Algorithm(string id, string json, string folder, RunShape shape)
    {
        var part = new FewStepsPlugin().Parts.Single(part => part.Id == id);
        var algorithm = (IAlgorithm)part.Create(part.ReadSettings(json), new PartContext
        {
            Name = id,
            BaseFolder = folder,
            Device = CPU,
            ComputeType = ScalarType.Float32,
            Logger = NullLogger.Instance,
            Warn = static _ => { },
        }).Required();
        algorithm.Check(shape).Required();
        return algorithm;
    }
}
