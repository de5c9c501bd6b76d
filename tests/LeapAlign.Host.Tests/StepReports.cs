using LeapAlign.Host.Kernel;

namespace LeapAlign.Host.Tests;

/// <summary>Steps as observers are told of them.</summary>
internal static class StepReports
{
    public static StepReport Of(int index, double loss = 1) => new()
    {
        Index = index,
        Loss = loss,
        Rewards = new Dictionary<string, double> { ["clip"] = 0.5 },
        Measurements = new Measured(new Dictionary<string, double> { ["weight"] = 3 }, new Dictionary<string, IReadOnlyList<long>>()),
        GradientNorm = 2,
        Rate = 0.1,
        Updates = 1,
        Skipped = 0,
        Evaluations = 10,
        GradientEvaluations = 2,
        Seconds = 1,
        Stages = new Dictionary<string, double> { ["velocity"] = 0.5 },
    };
}
