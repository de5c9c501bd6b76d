namespace LeapAlign.Contracts.Plugins;

/// <summary>Names for what a part can offer to others and ask of them. A plugin may use names of its own.</summary>
public static class Capabilities
{
    /// <summary>Gradients flow from the score to the images or latents. Every trained reward must have it for it to hold.</summary>
    public const string DifferentiableReward = "differentiable-reward";

    /// <summary>The model lets rewards look at the hidden states of its network (<see cref="Models.IFeatureModel"/>).</summary>
    public const string Features = "features";

    /// <summary>The adapter holds others that samples may wear (<see cref="Adapters.ICandidateAdapters"/>).</summary>
    public const string AdapterCandidates = "adapter-candidates";

    /// <summary>The reward can leave its weights in the memory of the machine (<see cref="PartContext.WeightsOnHost"/>).</summary>
    public const string HostWeights = "host-weights";

    /// <summary>The reward scores latents (<see cref="Rewards.ILatentReward"/>): it needs a model, and has no score for the picture of a file.</summary>
    public const string LatentReward = "latent-reward";

    /// <summary>The model predicts mean velocities over jumps (<see cref="Models.IFlowMapModel"/>).</summary>
    public const string FlowMap = "flow-map";

    /// <summary>The sampler calls the velocity of its path at each step, which an algorithm may decorate. All samplers do but those of flow maps (<see cref="Samplers.IFlowMapSampler"/>) and those that look ahead (<see cref="Samplers.ISpeculativeSampler"/>).</summary>
    public const string VelocityPath = "velocity-path";

    /// <summary>The run has a second, frozen model (the section <c>teacher</c>) to learn from.</summary>
    public const string Teacher = "teacher";

    /// <summary>The sampler is stochastic, its samples are those of the trained policy, and it knows the log-probability of its transitions.</summary>
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

    /// <summary>Each prompt comes with pictures and a score of each (<see cref="Prompts.Prompt.Scores"/>).</summary>
    public const string ScoredPictures = "scored-pictures";

    /// <summary>The scores of the prompts' pictures are verdicts, 1 or 0.</summary>
    public const string Verdicts = "verdicts";

    /// <summary>Each prompt comes with at least one picture whose verdict is 1 and one whose verdict is 0.</summary>
    public const string VerdictPairs = "verdict-pairs";

    /// <summary>The part waits for people. The host asks it only for what a run needs: a plan of seconds and memory leaves it out.</summary>
    public const string People = "people";

    /// <summary>An optimizer is given the accumulated gradient of each update. Every run has it.</summary>
    public const string Gradient = "gradient";

    /// <summary>Each objective of the algorithm is the whole loss of a micro-batch: an optimizer can take their gradients one by one (<see cref="Optimizers.IRowOptimization"/>).</summary>
    public const string Rows = "rows";

    /// <summary>A step of the algorithm is a function of its samples and of the weights, with one update: its loss and gradient can be asked for at other weights (<see cref="Optimizers.UpdateContext.Replay"/>).</summary>
    public const string Replay = "replay";

    /// <summary>A step of the algorithm can be asked for on other samples, drawn under keys of their own (<see cref="Optimizers.UpdateContext.Draw"/>).</summary>
    public const string SecondDraw = "second-draw";

    /// <summary>Products of the Hessian with a vector, as differences of replayed gradients (<see cref="Optimizers.UpdateContext.HessianVector"/>).</summary>
    public const string HessianVector = "hessian-vector";

    /// <summary>A step of the algorithm has one update, so that it can be made at other weights than those that the update changes (<see cref="Optimizers.IProbingOptimization"/>).</summary>
    public const string Probe = "probe";

    /// <summary>
    /// The loss of a step depends on the trained rewards through <see cref="Rewards.Scores.Total"/> alone, with one update that is a function of samples and weights: an optimizer may choose the weights of the rewards
    /// (<see cref="Optimizers.IWeighingOptimization"/>).
    /// </summary>
    public const string RewardWeights = "reward-weights";

    /// <summary>What an algorithm offers whose step has one update and is a function of its samples and of the weights.</summary>
    public static IReadOnlyList<string> OfRepeatableSteps { get; } = [Probe, Replay, SecondDraw, HessianVector];

    /// <summary>
    /// The algorithm trains a model that draws alone what the run draws with the guidance of two branches: evaluations and the export are without guidance. A guidance that is an
    /// input of the network stays one.
    /// </summary>
    public const string GuidanceLearned = "guidance-learned";

    /// <summary>Updates after which the rewards of their own samples are lower are undone. A run has it where <c>guard.fallen</c> is <c>undo</c>.</summary>
    public const string FallenUndone = "fallen-undone";

    /// <summary>The optimizer subtracts a set rate times the gradient and does nothing else, so that what a step of that length is off the flow of its gradient can be said.</summary>
    public const string PlainDescent = "plain-descent";

    /// <summary>The optimizer divides its updates by a curvature, and gives the inverse of it times any vector (<see cref="Optimizers.ICurvatureOptimization"/>): how much one gradient moves what another descends.</summary>
    public const string InverseCurvature = "inverse-curvature";

    /// <summary>The algorithm brings parameters of its own (<see cref="Algorithms.IAlgorithm.Parameters"/>) whose gradient depends on the trained weights, or the other way round: two players, each of which changes what the other descends.</summary>
    public const string Players = "players";

    /// <summary>The optimizer chooses the length of its steps: the host does not clip, and <c>run.clipNorm</c> is not set.</summary>
    public const string OwnStepLength = "own-step-length";
}
