using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Rewards;
using LeapAlign.Host.Composition;
using LeapAlign.Host.Configuration;
using LeapAlign.Host.Configuration.Sections;
using LeapAlign.Host.Kernel.Guards;
using LeapAlign.Host.Kernel.Rewards;
using LeapAlign.Host.Kernel.Stages;
using LeapAlign.Host.Kernel.Steps;
using LeapAlign.Host.Tests.Fitting;
using LeapAlign.Pipeline;
using Microsoft.Extensions.Logging.Abstractions;
using static TorchSharp.torch;

namespace LeapAlign.Host.Tests.Kernel;

/// <summary>Rewards that are made of other rewards, and scores that are missing.</summary>
public sealed class RewardMakingTests
{
    private static readonly Prompt[] s_prompts = [new(0, "first"), new(1, "second"), new(2, "third")];

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_reward_is_made_once_wherever_the_one_that_is_made_of_it_stands(bool before)
    {
        using var scope = NewDisposeScope();
        var made = 0;
        RewardPlan[] plans =
        [
            Of("of", "given"),
            Given<IReward>("given", () =>
            {
                made++;
                return new Function(static images => images.mean([1L, 2, 3]));
            }),
        ];
        var rewards = Make(before ? plans : [.. plans.Reverse()]).Value();
        Assert.Equal(1, made);
        string[] order = before ? ["of", "given"] : ["given", "of"];
        Assert.Equal(order, rewards.Select(static reward => reward.Name));
        var scores = new PictureScoring(rewards, new OpenStages()).All(full([3, 3, 2, 2], 0.25f), s_prompts).ToDictionary(static pair => pair.Name, static pair => pair.Scores.data<float>().ToArray());
        Assert.Equal([0.25f, 0.25f, 0.25f], scores["given"]);
        Assert.Equal([-0.25f, -0.25f, -0.25f], scores["of"]);
    }

    // Whoever is made of it can tell, and the gradient goes through the checks.
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Another_reward_is_handed_on_with_its_gradient(bool smooth)
    {
        using var scope = NewDisposeScope();
        IReward? given = null;
        var asking = Plan("of", context => context.OtherReward("given").Map(made => (IReward)new Negated(given = made)));
        _ = Make(asking, smooth ? Given<IDifferentiableReward>("given", static () => new Smooth()) : Given<IReward>("given", static () => new Function(static images => images.mean([1L, 2, 3])))).Value();
        Assert.Equal(smooth, given is IDifferentiableReward);
        if (!smooth) return;
        var images = full([3, 3, 2, 2], 0.25f).requires_grad_();
        var gradient = autograd.grad([given!.Score(images, s_prompts).sum()], [images])[0];
        Assert.Equal(0.5f / 12, gradient.max().item<float>(), 1e-6f);
    }

    [Theory]
    [InlineData("absent", "and there is none of that name; there is 'given', 'compares', 'latent'")]
    [InlineData("of", "which is itself")]
    [InlineData("compares", "which compares the pictures of a prompt")]
    [InlineData("latent", "which scores latents")]
    public void What_a_reward_cannot_be_made_of_is_a_fault_with_its_place(string other, string words)
    {
        var fault = FaultOf(Make(Of("of", other), Given<IReward>("given", static () => new Function(static images => images)), Given<IGroupReward>("compares", static () => new Comparing()), Given<ILatentReward>("latent", static () => new Latent())));
        Assert.Equal((FaultCodes.NoRewardOfReward, "rewards.of"), (fault.Code, fault.Place?.Key));
        Assert.StartsWith($"the reward 'of' is made of the reward '{other}', {words}", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Rewards_that_are_made_of_each_other_are_a_fault()
    {
        var fault = FaultOf(Make(Of("a", "b"), Of("b", "a")));
        Assert.Equal((FaultCodes.NoRewardOfReward, "rewards.b"), (fault.Code, fault.Place?.Key));
        Assert.Contains("which is made of it", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_other_reward_has_the_checks_of_every_reward()
    {
        using var scope = NewDisposeScope();
        Fault Scored(Func<Tensor, Tensor> score)
        {
            var rewards = Make(Of("of", "given"), Given<IReward>("given", () => new Function(score))).Value();
            return Assert.Throws<FaultException>(() => new PictureScoring([rewards[0]], new OpenStages()).All(zeros(3, 3, 2, 2), s_prompts)).Fault;
        }
        Assert.Contains("'given' returned scores of shape [2]", Scored(static _ => zeros(2)).Message, StringComparison.Ordinal);
        Assert.Equal(FaultCodes.ScoreOutOfRange, Scored(static _ => full([3], 7f)).Code);
        Assert.Contains("'given'", Scored(static images => images.add_(1).mean([1L, 2, 3])).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true, 1.5)]
    [InlineData(false, double.NaN)]
    public void A_missing_score_is_no_number_that_went_bad_where_a_reward_may_have_none(bool partial, double mean)
    {
        using var scope = NewDisposeScope();
        float[] values = [1, float.NaN, 2];
        var rewards = Make(Given<IReward>("given", () => partial ? new Partial(values) : new Function(_ => tensor(values)))).Value();
        var means = new Means();
        using var watch = new FiniteWatch();
        var scores = new Scoring(FitCase.Decoding, new ImageSize(FitCase.Size, FitCase.Size), rewards, new OpenStages()).Score(zeros(3, 2, 2, 2), s_prompts, (name, known) => means.Add(name, 0, known), watch);
        Assert.Equal(mean, means.Values["given"]);
        Assert.Equal(partial, watch.FirstNoted() is null);
        // The algorithm sees all of them.
        Assert.Equal(values, scores.Total.data<float>().ToArray());
    }

    [Fact]
    public void A_batch_without_scores_has_no_mean()
    {
        using var scope = NewDisposeScope();
        var means = new Means();
        means.Add("a", 0, empty(0));
        Assert.Empty(means.Values);
        means.Add("a", 1, tensor([3f]));
        Assert.Equal(3, means.Values["a"]);
    }

    private static Result<IReadOnlyList<RunReward>> Make(params RewardPlan[] plans) => new RewardMaking(plans, null, static part => new PartContext
    {
        Name = part.Name,
        BaseFolder = "",
        Device = CPU,
        ComputeType = float32,
        Logger = NullLogger.Instance,
        Warn = static fault => Assert.Fail(fault.ToString()),
    }, []).All();

    private static RewardPlan Of(string name, string other) => Plan(name, context => context.OtherReward(other).Map(static made => (IReward)new Negated(made)));

    private static RewardPlan Given<T>(string name, Func<T> make)
        where T : class => Plan(name, _ => Result.Ok(make()));

    private static RewardPlan Plan<T>(string name, Func<PartContext, Result<T>> make)
        where T : class => new(new PartPlan(PartDefinition.TryOf<T, ExportSettings>(name, HostJson.Export, (_, context) => make(context)), new ExportSettings(), name, new SourcePlace("plugins.json", Key: $"rewards.{name}")), RewardRole.Train, 1);

    private static Fault FaultOf<T>(Result<T> result) => result.Match(static _ => throw new InvalidOperationException("no fault"), static fault => fault);

    private sealed class Function(Func<Tensor, Tensor> score) : IReward, IBoundedReward
    {
        public ScoreRange Range { get; } = new(0, 5);

        public Tensor Score(Tensor images, IReadOnlyList<Prompt> prompts) => score(images);
    }

    private sealed class Smooth : IDifferentiableReward
    {
        public Tensor Score(Tensor images, IReadOnlyList<Prompt> prompts) => images.square().mean([1L, 2, 3]);
    }

    private sealed class Partial(float[] scores) : IReward, IPartialReward
    {
        public Tensor Score(Tensor images, IReadOnlyList<Prompt> prompts) => tensor(scores);
    }

    private sealed class Negated(IReward other) : IReward
    {
        public Tensor Score(Tensor images, IReadOnlyList<Prompt> prompts) => other.Score(images, prompts).neg();
    }

    private sealed class Comparing : IGroupReward
    {
        public Tensor Score(Tensor images, Prompt prompt) => zeros(images.shape[0]);
    }

    private sealed class Latent : ILatentReward
    {
        public Tensor Score(LatentSamples samples) => zeros(samples.Latents.shape[0]);
    }
}
