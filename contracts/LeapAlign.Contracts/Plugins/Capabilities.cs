namespace LeapAlign.Contracts.Plugins;

/// <summary>Names for what a part can offer to others and ask of them. A plugin may use names of its own.</summary>
public static class Capabilities
{
    /// <summary>Gradients flow from the score to the images. Every trained reward must have it for it to hold.</summary>
    public const string DifferentiableReward = "differentiable-reward";

    /// <summary>The sampler is stochastic and knows the log-probability of its transitions.</summary>
    public const string LogProbability = "log-prob";

    /// <summary>The log-probabilities of the sampler's transitions are those of a normal distribution.</summary>
    public const string GaussianLogProbability = "gaussian-log-prob";

    /// <summary>The policy that training started from is kept beside the one that is trained.</summary>
    public const string ReferencePolicy = "reference-policy";

    /// <summary>Each prompt comes several times in a batch.</summary>
    public const string GroupedPrompts = "grouped-prompts";

    /// <summary>Each prompt comes with a picture to learn from.</summary>
    public const string Pictures = "pictures";

    /// <summary>Each prompt comes with a preferred and a rejected picture.</summary>
    public const string PreferencePairs = "preference-pairs";

    /// <summary>The optimizer chooses the length of its steps: the host does not clip, and <c>run.clipNorm</c> is not set.</summary>
    public const string OwnStepLength = "own-step-length";
}
