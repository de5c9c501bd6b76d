namespace LeapAlign.Host.Telemetry.Schema;

/// <summary>The attributes of spans and measurements.</summary>
internal static class Tags
{
    public static readonly AttributeDefinition Command = new("leapalign.command", "string", "The verb of the command line.");
    public static readonly AttributeDefinition Plugin = new("leapalign.plugin.id", "string", "The id of the plugin.");
    public static readonly AttributeDefinition Algorithm = new("leapalign.algorithm", "string", "The id of the algorithm.");
    public static readonly AttributeDefinition Model = new("leapalign.model", "string", "The id of the model.");
    public static readonly AttributeDefinition Sampler = new("leapalign.sampler", "string", "The id of the sampler.");
    public static readonly AttributeDefinition Seed = new("leapalign.seed", "int", "`run.seed`.");
    public static readonly AttributeDefinition Steps = new("leapalign.steps", "int", "`run.steps`.");
    public static readonly AttributeDefinition Step = new("leapalign.step", "int", "The number of the step, from 1; of an evaluation or a checkpoint, the steps done before it.");
    public static readonly AttributeDefinition Batch = new("leapalign.batch", "int", "Samples: of a step all of them, of an evaluation of the network those that go through it together.");
    public static readonly AttributeDefinition Images = new("leapalign.images", "int", "Pictures that were sampled and scored.");
    public static readonly AttributeDefinition Evaluations = new("leapalign.evaluations", "double", "Network evaluations of a whole batch (F), under guidance two for each velocity.");
    public static readonly AttributeDefinition EvaluationsSoFar = new("leapalign.evaluations.total", "double", "Network evaluations since the run began, when the span ended.");
    public static readonly AttributeDefinition Tokens = new("leapalign.tokens", "int", "Text tokens that the network reads with each evaluation, all samples together; absent where the model does not say.");
    public static readonly AttributeDefinition Loss = new("leapalign.loss", "double", "The mean loss of the step's updates.");
    public static readonly AttributeDefinition GradientNorm = new("leapalign.gradient.norm", "double", "L2 norm of all gradients together before clipping.");
    public static readonly AttributeDefinition Rate = new("leapalign.learning_rate", "double", "The learning rate.");
    public static readonly AttributeDefinition Measured = new("leapalign.measurement.<name>", "double", "The mean of what the algorithm measured, by its name: steps that were drawn, distances, weights.");
    public static readonly AttributeDefinition Sigma = new("leapalign.sigma", "double", "σ, the noise level; absent where samples have different ones.");
    public static readonly AttributeDefinition Gradient = new("leapalign.gradient", "boolean", "Whether the evaluation is recorded for a backward.");
    public static readonly AttributeDefinition Seconds = new("leapalign.duration", "double", "Seconds, on an event.");
    public static readonly AttributeDefinition Reward = new("leapalign.reward.name", "string", "The name of the reward in the run.");
    public static readonly AttributeDefinition Phase = new("leapalign.phase", "string", "`train` for the batch of a step, `evaluation` for the captions of an evaluation, `preview` for those of one of its previews.");
    public static readonly AttributeDefinition Preview = new("leapalign.preview", "string", "The name of the preview; absent where there is none.");
    public static readonly AttributeDefinition Stage = new("leapalign.stage", "string", "The stage of a step. Stages do not nest, so that they add up to the step.");
    public static readonly AttributeDefinition Operation = new("leapalign.operation", "string", "What the part was asked for: the name of its span.");
    public static readonly AttributeDefinition Size = new("leapalign.size", "int", "Bytes of all files.");
    public static readonly AttributeDefinition Measurement = new("leapalign.measurement.name", "string", "What the algorithm measured.");
    public static readonly AttributeDefinition Error = new("error.type", "string", "The code of the fault (`LA####`) that ended the span; absent when it ended well.");
}
