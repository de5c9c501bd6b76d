using LeapAlign.Algorithms.FewSteps;
using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Plugins;
using Microsoft.Extensions.Logging.Abstractions;
using static TorchSharp.torch;

namespace LeapAlign.Bench.Cases;

/// <summary>What cases of the plugin few-steps share: its algorithms.</summary>
internal static class FewStepsCases
{
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
