using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Optimizers;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Rewards;
using LeapAlign.Contracts.Samplers;

namespace LeapAlign.Contracts.Plugins;

/// <summary>The kinds of parts that plugins.json composes, each with its interface.</summary>
public static class PartKinds
{
    /// <summary><see cref="IModel"/>.</summary>
    public const string Model = "model";

    /// <summary><see cref="IReward"/>, <see cref="IGroupReward"/> or <see cref="IPairwiseReward"/>.</summary>
    public const string Reward = "reward";

    /// <summary><see cref="IAlgorithm"/>.</summary>
    public const string Algorithm = "algorithm";

    /// <summary><see cref="ISampler"/>.</summary>
    public const string Sampler = "sampler";

    /// <summary><see cref="IPromptSource"/>.</summary>
    public const string Prompts = "prompts";

    /// <summary><see cref="IOptimizer"/>.</summary>
    public const string Optimizer = "optimizer";

    /// <summary>Every kind, in the order of a step.</summary>
    public static IReadOnlyList<string> All { get; } = [Model, Prompts, Sampler, Algorithm, Reward, Optimizer];

    internal static string Of(Type part)
    {
        (Type Contract, string Kind)[] kinds =
        [
            (typeof(IModel), Model), (typeof(IReward), Reward), (typeof(IGroupReward), Reward), (typeof(IPairwiseReward), Reward), (typeof(IAlgorithm), Algorithm),
            (typeof(ISampler), Sampler), (typeof(IPromptSource), Prompts), (typeof(IOptimizer), Optimizer),
        ];
        foreach (var (contract, kind) in kinds)
        {
            if (contract.IsAssignableFrom(part)) return kind;
        }
        throw new ArgumentException($"{part} implements none of {string.Join(", ", kinds.Select(pair => pair.Contract.Name))}", nameof(part));
    }
}
