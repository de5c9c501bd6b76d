using LeapAlign.Contracts.Plugins;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Pipeline;
using Microsoft.Extensions.Logging.Abstractions;
using static TorchSharp.torch;

namespace LeapAlign.Rewards.Remote.Tests;

/// <summary>Pictures of known brightness, and rewards whose waits are short.</summary>
internal static class RemoteCase
{
    /// <summary>The name of the part in every test.</summary>
    public const string Name = "judge";

    /// <summary>Settings of a test: all waits are milliseconds.</summary>
    public static RemoteSettings Settings(string url) => new() { Url = url, Timeout = 10, Backoff = 0.001, LongestWait = 5 };

    /// <summary>Makes the reward.</summary>
    public static Result<RemoteReward> Create(RemoteSettings settings, CancellationToken stop = default) => RemoteReward.Create(settings, Context(stop));

    /// <summary>Makes the reward, of settings that are in order.</summary>
    public static RemoteReward Reward(RemoteSettings settings, CancellationToken stop = default) => Create(settings, stop).Match(static reward => reward, static fault => throw new FaultException(fault));

    /// <summary>What a run tells a part.</summary>
    public static PartContext Context(CancellationToken stop = default) => new()
    {
        Name = Name,
        BaseFolder = Environment.CurrentDirectory,
        Device = CPU,
        ComputeType = ScalarType.Float32,
        Logger = NullLogger.Instance,
        Warn = static fault => Assert.Fail(fault.ToString()),
        Stop = stop,
    };

    /// <summary>Scores grey pictures, of which each is brighter than the one before.</summary>
    /// <returns>Their scores.</returns>
    public static float[] Score(RemoteSettings settings, int count = 4, CancellationToken stop = default)
    {
        using var scope = NewDisposeScope();
        using var reward = Reward(settings, stop);
        return reward.Score(Greys(count), Captions(count)).data<float>().ToArray();
    }

    /// <summary>The fault that scoring ends with.</summary>
    public static Fault Fault(RemoteSettings settings, int count = 4) => Assert.Throws<FaultException>(() => Score(settings, count)).Fault;

    /// <summary>[count, 3, 5, 3], each picture of one grey level, from dark to bright.</summary>
    public static Tensor Greys(int count) => tensor(Levels(count)).reshape(count, 1, 1, 1).expand(count, 3, 5, 3);

    /// <summary>The grey levels of the pictures, exact in 8 bits.</summary>
    public static float[] Levels(int count) => [.. Enumerable.Range(0, count).Select(static index => (index + 1) / 255f)];

    /// <summary>Captions.</summary>
    public static Prompt[] Captions(int count) => [.. Enumerable.Range(0, count).Select(static index => new Prompt(index, $"caption {index}"))];
}
