using LeapAlign.Contracts.Plugins;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Contracts.Rewards;
using LeapAlign.Host.Composition;
using LeapAlign.Host.Configuration.Sections;
using LeapAlign.Host.Fitting;
using LeapAlign.Host.Kernel;
using LeapAlign.Host.Kernel.Rewards;
using LeapAlign.Host.Kernel.Stages;
using LeapAlign.Host.Kernel.Steps;
using LeapAlign.Pipeline;
using LeapAlign.Rewards.Clip;
using LeapAlign.Rewards.LatentHead;
using LeapAlign.Testing;
using static TorchSharp.torch;

namespace LeapAlign.Integration.Tests;

/// <summary>Steps of LeapAlign on tiny-sd3 with rewards of latents: what is decoded, what is learnt, and that the reward stays what it was.</summary>
[Collection("process")]
public sealed class LatentRewardTests
{
    private static readonly float[] s_aside = [0.05f, -0.05f, 0.025f];
    private static readonly RunSettings s_run = new() { Batch = 2, Steps = 2, Threads = 1 };

    [Fact]
    public void A_run_of_latents_alone_decodes_nothing_and_its_reward_stays()
    {
        using var scope = NewDisposeScope();
        var plan = InProcessRun.Plan(s_run) with { Rewards = [Head("latent", RewardRole.Train), Clip(RewardRole.HeldOut)] };
        using var parts = Recording.Require(RunParts.Create(plan, InProcessRun.Context));
        var stages = new OpenStages();
        using var training = new TrainingStep(plan, parts, stages, CPU);
        var latents = rand(2, 4, 16, 16);
        var before = Scores(parts, latents);
        foreach (var step in (int[])[0, 1])
        {
            var report = training.Run(step);
            Assert.DoesNotContain("decode", report.Stages.Keys);
            Assert.Contains("score", report.Stages.Keys);
            Assert.Equal(["latent"], report.Rewards.Keys);
            Assert.True(report.GradientNorm > 0);
        }
        Assert.True(Scores(parts, latents).equal(before).all().item<bool>());
        using var policy = new Contracts.Weights.Policy("other", [.. parts.Trained.Parameters.Select(static parameter => parameter.Value.detach() * 2)]);
        using (parts.Trained.Use(policy)) Assert.True(Scores(parts, latents).equal(before).all().item<bool>());
    }

    [Theory]
    [InlineData(RunSettings.GradientsBalanced)]
    [InlineData("summed")]
    public void Beside_a_reward_of_pictures_latents_are_decoded_once(string gradients)
    {
        var run = gradients == RunSettings.GradientsBalanced ? s_run with { RewardGradients = gradients } : s_run;
        var plan = InProcessRun.Plan(run) with { Rewards = [Head("latent", RewardRole.Train), Clip(RewardRole.Train)] };
        using var parts = Recording.Require(RunParts.Create(plan, InProcessRun.Context));
        using var training = new TrainingStep(plan, parts, new OpenStages(), CPU);
        var report = training.Run(0);
        Assert.Contains("decode", report.Stages.Keys);
        Assert.Equal(["clip", "latent"], report.Rewards.Keys.Order(StringComparer.Ordinal));
        Assert.True(report.GradientNorm > 0);
    }

    [Fact]
    public void Gradients_that_are_compared_are_those_of_differences_at_the_same_latents()
    {
        using var scope = NewDisposeScope();
        var plan = InProcessRun.Plan(s_run);
        using var parts = Recording.Require(RunParts.Create(plan, InProcessRun.Context));
        using var head = new LatentHeadReward(new LatentHeadSettings { Head = "unwritten" }, InProcessRun.Context("latent"));
        using var fit = Recording.Require(head.BeginFit(parts.Model, new FitTargets("clip", 3, 2, 0, 0, 1, RandomKey.OfRun(1))));
        var (prompts, samples) = (parts.Prompts.Take(3).ToList(), new FitSamples(parts.Model, parts.Pictures.Size, new OpenStages()) { Sigmas = [0], Random = RandomKey.OfRun(2) });
        var latents = RandomKey.OfRun(3).Normal([3, 4, 16, 16], CPU) * 0.5;
        void Is(Tensor gradient, Func<Tensor, Tensor> score)
        {
            // Along itself the derivative is the length of the gradient; neighbours go different ways, so that one that had another's would show.
            var length = gradient.flatten(1).norm(1);
            var along = gradient / length.view(-1, 1, 1, 1) * tensor(s_aside).view(-1, 1, 1, 1);
            using var _ = no_grad();
            var rise = (score(latents + along) - score(latents - along)) / 2 / tensor(s_aside);
            Agreement.Values(rise / length, ones(3), "derivatives", tolerance: 0.03);
        }
        Is(samples.GradientOf(parts.Rewards[0], latents, prompts)!, moved => samples.ScoresOf(parts.Rewards[0], moved, prompts));
        Is(samples.GradientOf(fit, latents, prompts), moved => fit.Score(samples.Features(fit, moved, prompts, 0, []), [0]));
    }

    [Fact]
    public void A_reward_that_writes_into_latents_is_named()
    {
        var plan = InProcessRun.Plan(s_run);
        plan = plan with { Rewards = [new RewardPlan(plan.Rewards[0].Part with { Definition = PartDefinition.Of<ILatentReward, ClipSettings>("bad", Settings, static (_, _) => new Writing()), Name = "bad" }, RewardRole.Train, 1)] };
        using var parts = Recording.Require(RunParts.Create(plan, InProcessRun.Context));
        using var training = new TrainingStep(plan, parts, new OpenStages(), CPU);
        var fault = Assert.Throws<FaultException>(() => training.Run(0)).Fault;
        Assert.Contains("reward 'bad' changed the latents", fault.Message, StringComparison.Ordinal);
    }

    private static System.Text.Json.Serialization.Metadata.JsonTypeInfo<ClipSettings> Settings => (System.Text.Json.Serialization.Metadata.JsonTypeInfo<ClipSettings>)new ClipPlugin().Parts[0].Settings;

    private static Tensor Scores(RunParts parts, Tensor latents)
    {
        using var gradients = no_grad();
        var prompts = parts.Prompts.Take(2).ToList();
        var samples = new ScoredSamples(prompts) { Latents = latents, Encode = () => ScoredSamples.Encoded(parts.Model, parts.Pictures.Size, new OpenStages(), prompts) };
        return new PictureScoring([parts.Rewards[0]], new OpenStages()).All(samples)[0].Scores;
    }

    private static RewardPlan Head(string name, RewardRole role)
    {
        var definition = new LatentHeadPlugin().Parts[0];
        return new(new PartPlan(definition, new LatentHeadSettings { Head = "models/tiny-sd3-head/clip.safetensors" }, name, new SourcePlace("test")), role, 1);
    }

    private static RewardPlan Clip(RewardRole role) =>
        new(new PartPlan(new ClipPlugin().Parts[0], new ClipSettings { Model = "models/tiny-clip-reward" }, "clip", new SourcePlace("test")), role, 1);

    private sealed class Writing : ILatentReward
    {
        public Tensor Score(LatentSamples samples)
        {
            using var gradients = no_grad();
            samples.Latents.add_(1);
            return samples.Latents.flatten(1).mean([1]);
        }
    }
}
