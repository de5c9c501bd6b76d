using LeapAlign.Contracts.Adapters;
using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Objectives;
using LeapAlign.Contracts.Optimizers;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Samplers;
using LeapAlign.Contracts.State;
using LeapAlign.Contracts.Weights;
using LeapAlign.Host.Composition;
using LeapAlign.Host.Configuration.Sections;
using LeapAlign.Host.Kernel.Pictures;
using LeapAlign.Host.Kernel.Ranks;
using LeapAlign.Host.Kernel.Rewards;
using LeapAlign.Host.Runs;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Host.Kernel;

/// <summary>A loss beside the algorithm's.</summary>
/// <param name="Plan">Its name, its factor, and where plugins.json says so.</param>
/// <param name="Objective">The loss.</param>
internal sealed record WeighedObjective(ObjectivePlan Plan, IObjective Objective);

/// <summary>The living parts of a run. Disposing it disposes those that hold resources, in the reverse order of their making.</summary>
internal sealed class RunParts : IDisposable
{
    private readonly List<IDisposable> _owned;

    private RunParts(List<IDisposable> owned) => _owned = owned;

    /// <summary>The model and what is trained of it.</summary>
    public required TrainedModel TrainedModel { get; init; }

    public IModel Model => TrainedModel.Model;

    /// <summary>What is trained: the model's weights, or an adapter's.</summary>
    public ITrainable Trained => TrainedModel.Trained;

    /// <summary>Losses beside the algorithm's.</summary>
    public IReadOnlyList<WeighedObjective> Objectives { get; init; } = [];

    /// <summary>A second model, frozen; null for none.</summary>
    public IModel? Teacher { get; init; }

    /// <summary>The processes of the run.</summary>
    public RunRanks Ranks { get; init; } = RunRanks.Alone;

    /// <summary>What this process does of a step.</summary>
    public required StepShare Share { get; init; }

    /// <summary>The pictures of training.</summary>
    public required PictureSpace Pictures { get; init; }

    /// <summary>What evaluations draw: their own pictures first, then each preview.</summary>
    public required IReadOnlyList<DrawnPictures> Drawn { get; init; }

    public required ISampler Sampler { get; init; }

    public required IAlgorithm Algorithm { get; init; }

    public required IOptimizer Optimizer { get; init; }

    public required IReadOnlyList<Prompt> Prompts { get; init; }

    public required IReadOnlyList<Prompt> EvaluationPrompts { get; init; }

    public required IReadOnlyList<RunReward> Rewards { get; init; }

    /// <summary>The parts that keep something between steps, by name.</summary>
    public IEnumerable<(string Name, IStateful State)> States =>
        ((object?[])[Model, TrainedModel.Adapter, Sampler, Algorithm]).Zip(["model", "adapter", "sampler", "algorithm"], static (part, name) => (name, part as IStateful))
            .Concat(Objectives.Select(static objective => ($"objective.{objective.Plan.Part.Name}", objective.Objective as IStateful)))
            .Concat(Rewards.Select(static reward => ($"reward.{reward.Name}", reward.State)))
            .Where(static part => part.Item2 is not null).Select(static part => (part.Item1, part.Item2!));

    /// <summary>Whether the algorithm can work in a run: on the sampler's schedule and the sizes of the plan. The schedule of evaluations has to be one, too.</summary>
    public Result<Unit> Check(RunPlan plan)
    {
        if (Drawn.Select(drawn => drawn.Form).Prepend(EvaluationForm.OfTraining(plan)).Select(form => Guidance(plan, form)).OfType<Fault>().FirstOrDefault() is { } steered) return steered;
        if (Drawn.Select(drawn => GuidedTwice(plan, drawn.Form)).OfType<Fault>().FirstOrDefault() is { } twice) return twice;
        if (Taught(plan) is { } other) return other;
        if (Balanced(plan) is { } balanced) return balanced;
        if (Repeated(plan) is { } once) return once;
        if (!Ranks.IsAlone && Rewards.FirstOrDefault(static reward => reward.Learning is not null) is { } learning)
            return new Fault.Composition(FaultCodes.LearningRewardShared, $"the reward '{learning.Name}' learns from the samples of its process, and {Ranks.World} processes share this run: each would follow another gradient; run it in one process", learning.Plan.Part.Place);
        if (plan.Run.OptimizerState == RunSettings.StateSharded && Whole(plan) is { } inseparable) return inseparable;
        if (plan.Run.GradientState == RunSettings.StateSharded && Everywhere(plan) is { } needed) return needed;
        if (!PromptLatents.Check(Prompts, Pictures.Latents).TryGet(out _, out var unlike)) return unlike;
        try
        {
            foreach (var drawn in Drawn)
            {
                if (drawn.Misfit(Model, Sampler, plan.Sampler.Name) is { } misfit) return misfit;
            }
            return Algorithm.Check(new RunShape(Sampler.CreateSchedule(Model.Scheduling.For(Pictures.Latents)), plan.Run.Batch, plan.Run.Accumulation, plan.Run.Group)
            {
                Sampler = Sampler,
                Shards = Share.AllShards,
                Candidates = (TrainedModel.Adapter as ICandidateAdapters)?.Candidates ?? [],
                Origin = () => FirstPolicy.Origin(plan, Pictures.Latents),
            });
        }
        catch (FaultException exception)
        {
            // A model folder may ask for noise levels that there are not.
            return exception.Fault;
        }
    }

    private Fault? Guidance(RunPlan plan, EvaluationForm form) => Model.GuidanceForm == GuidanceForm.None && form.Guidance.Scale != 1
        ? new Fault.Composition(FaultCodes.SettingsDoNotFit, FormattableString.Invariant($"{form.GuidancePlace.Key} is {form.Guidance.Scale}, but the model '{plan.Model.Name}' was distilled to draw without guidance and takes 1 alone"), form.GuidancePlace)
        : null;

    // Shares of one gradient have no weights that could be chosen.
    private static Fault? Balanced(RunPlan plan) =>
        plan.Run.RewardGradients == RunSettings.GradientsBalanced && plan.Optimizer.Definition.Requires(plan.Optimizer.Settings).Contains(Capabilities.RewardWeights, StringComparer.Ordinal)
            ? new Fault.Composition(FaultCodes.SettingsDoNotFit, $"run.rewardGradients is \"{RunSettings.GradientsBalanced}\", but the optimizer '{plan.Optimizer.Name}' chooses the weights of rewards, which then decide nothing: leave the key out", new SourcePlace("plugins.json", Key: "run.rewardGradients"))
            : null;

    private Fault? Whole(RunPlan plan)
    {
        var (optimizer, needs) = (plan.Optimizer, plan.Optimizer.Definition.Requires(plan.Optimizer.Settings).ToList());
        if (Optimizer.IsSeparable && needs.Count == 0) return null;
        var why = needs.Count == 0 ? "does not update each parameter by itself" : $"requires {string.Join(", ", needs.Select(static need => $"'{need}'"))} of all parameters";
        return new Fault.Composition(FaultCodes.NotSeparable, $"run.optimizerState is \"{RunSettings.StateSharded}\", but the optimizer '{optimizer.Name}' {why}: take \"{RunSettings.StateWhole}\", or an optimizer such as adamw or muon", new SourcePlace("plugins.json", Key: "run.optimizerState"));
    }

    private Fault? Everywhere(RunPlan plan)
    {
        var place = new SourcePlace("plugins.json", Key: "run.gradientState");
        if (plan.Run.OptimizerState != RunSettings.StateSharded)
            return new Fault.Composition(FaultCodes.NotSeparable, $"run.gradientState is \"{RunSettings.StateSharded}\", but each process updates all weights and needs the gradient of all: set run.optimizerState to \"{RunSettings.StateSharded}\", too", place);
        return Objectives.FirstOrDefault(static entry => entry.Objective is IGradientObjective) is { } objective
            ? new Fault.Composition(FaultCodes.NotSeparable, $"run.gradientState is \"{RunSettings.StateSharded}\", but the objective '{objective.Plan.Part.Name}' is made of the gradient of all weights: take \"{RunSettings.StateWhole}\"", place)
            : null;
    }

    private static Fault? Repeated(RunPlan plan) => plan.Guard.Fallen != GuardSettings.Undo || plan.Algorithm.Definition.Provides(plan.Algorithm.Settings).Contains(Capabilities.Replay, StringComparer.Ordinal)
        ? null
        : new Fault.Composition(
            FaultCodes.UpdateNotRepeated,
            $"guard.fallen is \"{GuardSettings.Undo}\", which makes each step again at the new weights, but the step of the algorithm '{plan.Algorithm.Name}' cannot be asked for again ('{Capabilities.Replay}'): take \"{GuardSettings.Keep}\", or an algorithm such as leapalign",
            new SourcePlace("plugins.json", Key: "guard.fallen"));

    private Fault? GuidedTwice(RunPlan plan, EvaluationForm form) => plan.TeachesGuidance(Model) && form.Guidance.IsActive
        ? new Fault.Composition(FaultCodes.GuidanceTwice, FormattableString.Invariant($"{form.GuidancePlace.Key} is {form.Guidance.Scale}, but '{plan.Algorithm.Name}' trains a model that draws without guidance, since it learns that of the samples (guidance.scale, {plan.Guidance.Scale}); leave the key out"), form.GuidancePlace)
        : null;

    // What a teacher predicts is compared with what is trained.
    private Fault? Taught(RunPlan plan) => Teacher?.Latents(Pictures.Size).Match<Fault?>(
        latents => latents.Shape.SequenceEqual(Pictures.Latents.Shape)
            ? null
            : new Fault.Composition(FaultCodes.SettingsDoNotFit, $"the teacher '{plan.Teacher!.Name}' has latents of [{string.Join(", ", latents.Shape)}] for a picture of {Pictures.Size}, but the model '{plan.Model.Name}' has [{string.Join(", ", Pictures.Latents.Shape)}]", plan.Teacher.Place),
        static fault => fault);

    /// <summary>Makes every part of a plan; small ones first, so that a wrong prompt file is found before a large model is read.</summary>
    /// <param name="plan">The composition.</param>
    /// <param name="context">Makes the context of a part.</param>
    /// <param name="joined">The processes that share the run; null for one.</param>
    /// <param name="elsewhere">Rewards that other processes compute; null for none.</param>
    public static Result<RunParts> Create(RunPlan plan, Func<PartPlan, PartContext> context, RunRanks? joined = null, Func<RewardPlan, Device, RunReward?>? elsewhere = null)
    {
        var ranks = joined ?? RunRanks.Alone;
        List<IDisposable> owned = [];
        var parts =
            from share in StepShare.Of(plan.Run, ranks)
            from source in Make<IPromptSource>(plan.Prompts, context, owned)
            from prompts in source.Read()
            from evaluationSource in plan.EvaluationPrompts is { } other ? Make<IPromptSource>(other, context, owned) : Result.Ok(source)
            from evaluationPrompts in ReferenceEquals(evaluationSource, source) ? Result.Ok(prompts) : evaluationSource.Read()
            from sampler in Make<ISampler>(plan.Sampler, context, owned)
            from algorithm in Make<IAlgorithm>(plan.Algorithm, context, owned)
            from optimizer in Make<IOptimizer>(plan.Optimizer, context, owned)
            from model in TrainedModel.Make(plan, context, owned)
            from pictures in DrawnPictures.Of(model.Model, EvaluationForm.OfTraining(plan))
            from drawn in Result.All(plan.Previews.Prepend(plan.Drawn).Select(form => DrawnPictures.Of(model.Model, form.Of(plan, model.Model))))
            from objectives in Result.All(plan.Objectives.Select(objective => Make<IObjective>(objective.Part, context, owned).Map(made => new WeighedObjective(objective, made))))
            from teacher in plan.Teacher is { } taught ? Make<IModel>(taught, context, owned).Map(static made => (IModel?)made) : Result.Ok<IModel?>(null)
            from rewards in new RewardMaking(plan.Rewards, model.Model, context, owned, elsewhere).All()
            select new RunParts(owned)
            {
                TrainedModel = model,
                Pictures = pictures.Pictures,
                Objectives = objectives,
                Teacher = teacher,
                Ranks = ranks,
                Share = share,
                Drawn = drawn,
                Sampler = sampler,
                Algorithm = algorithm,
                Optimizer = optimizer,
                Prompts = prompts,
                EvaluationPrompts = evaluationPrompts,
                Rewards = rewards,
            };
        if (!parts.IsOk) Release(owned);
        return parts;
    }

    /// <summary>Makes a part, and notes it as one to dispose.</summary>
    /// <returns>A fault of the part's, at its own place or that of the part.</returns>
    public static Result<T> Make<T>(PartPlan part, Func<PartPlan, PartContext> context, List<IDisposable> owned)
        where T : class => part.Create<T>(context(part)).Match(
            made =>
            {
                if (made is IDisposable disposable) owned.Add(disposable);
                return Result.Ok(made);
            },
            fault => fault with { Place = fault.Place ?? part.Place });

    public void Dispose() => Release(_owned);

    /// <summary>Makes the rewards of a plan, and notes them as ones to dispose. Those of latents take what they need of the model.</summary>
    /// <param name="plan">The composition.</param>
    /// <param name="model">The model; null where there is none, and no reward of latents.</param>
    /// <param name="context">Makes the context of a part.</param>
    /// <param name="owned">Takes what is to be disposed.</param>
    public static Result<IReadOnlyList<RunReward>> MakeRewards(RunPlan plan, IModel? model, Func<PartPlan, PartContext> context, List<IDisposable> owned) =>
        new RewardMaking(plan.Rewards, model, context, owned).All();

    /// <summary>Makes a reward, and notes it as one to dispose.</summary>
    public static Result<RunReward> MakeReward(RewardPlan reward, IModel? model, Func<PartPlan, PartContext> context, List<IDisposable> owned) =>
        new RewardMaking([reward], model, context, owned).All().Map(static made => made[0]);

    /// <summary>Disposes parts in the reverse order of their making.</summary>
    public static void Release(List<IDisposable> owned)
    {
        for (var i = owned.Count - 1; i >= 0; i--) owned[i].Dispose();
        owned.Clear();
    }
}
