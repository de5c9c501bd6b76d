using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Flow;
using LeapAlign.Methods.Leaps;
using LeapAlign.Samplers.FlowEuler;
using LeapAlign.Testing;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.LeapAlign.Tests;

/// <summary>The scalar network under LeapAlign with given anchors.</summary>
internal sealed class LinearNetwork
{
    private ScalarNetwork _network = new();

    public static Schedule Schedule { get; } = new ScalarNetwork().Schedule;

    public Tensor A => _network.A;

    public Tensor B => _network.B;

    public IEnumerable<(int Step, bool Gradient)> Calls => _network.Steps;

    /// <summary>Runs one step of the algorithm without its backward and returns its objective.</summary>
    public Objective Step(LeapAlignSettings settings, LeapPair pair, Func<Tensor, Tensor>? reward = null, double[]? noise = null) =>
        Step(settings, [pair], reward, noise);

    /// <summary>The same with several pairs of leaps.</summary>
    public Objective Step(LeapAlignSettings settings, LeapPair[] pairs, Func<Tensor, Tensor>? reward = null, double[]? noise = null)
    {
        _network = new ScalarNetwork { Noise = noise ?? [1.5], Reward = reward ?? (static latents => latents) };
        var drawn = 0;
        var algorithm = new LeapAlignAlgorithm(settings with { Pairs = pairs.Length }, (_, _) => pairs[drawn++]);
        return algorithm.Step(_network.Step(new FlowEulerSampler(new FlowEulerSettings()))).Single();
    }
}
