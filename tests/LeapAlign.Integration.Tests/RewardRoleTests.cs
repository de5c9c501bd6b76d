using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Rewards;
using LeapAlign.Host.Configuration.Sections;
using LeapAlign.Host.Kernel;
using LeapAlign.Host.Kernel.Pictures;
using LeapAlign.Host.Kernel.Rewards;
using LeapAlign.Pipeline;
using LeapAlign.Rewards.Clip;
using LeapAlign.Testing;
using TorchSharp;
using static TorchSharp.torch;

namespace LeapAlign.Integration.Tests;

/// <summary>Rewards of groups and pairs, models that rewards share, and means over tasks.</summary>
public sealed class RewardRoleTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();

    [Fact]
    public void A_reward_of_groups_sees_each_prompts_pictures_together()
    {
        var group = new Ranks();
        var scores = GroupScoring.Of(group).Score(Pictures(0.1, 0.9, 0.5, 0.3, 0.2), Prompts(7, 7, 7, 4, 4));
        Assert.Equal([0, 2, 1, 1, 0], scores.data<float>());
        Assert.Equal([(7, 3), (4, 2)], group.Seen);
    }

    [Fact]
    public void A_pairwise_score_is_the_mean_preference_over_the_others()
    {
        var scores = GroupScoring.Of(new Brighter()).Score(Pictures(0.1, 0.9, 0.5, 0.3), Prompts(1, 1, 1, 2));
        Assert.Equal([0, 1, 0.5f, 0.5f], scores.data<float>());
    }

    [Fact]
    public void Rewards_of_one_model_share_its_weights()
    {
        using var shared = new SharedResources();
        var context = InProcessRun.Context("reward").With(shared.Of("clip"));
        ClipReward Load(string model) => Recording.Require(ClipReward.Load(new ClipSettings { Model = model }, context));
        using var first = Load("models/tiny-clip-reward");
        var before = DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount;
        using var second = Load("models/tiny-clip-reward");
        Assert.InRange(DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount - before, 0, 5);
        using var other = Load("models/tiny-clip-judge");
        Assert.True(DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount - before > 20);
        // One that ends does not take the weights from the other.
        first.Dispose();
        Assert.Equal([1], second.Score(full([1, 3, 64, 64], 0.5), Prompts(1)).shape);
    }

    [Fact]
    public void Balanced_gradients_are_others_from_the_same_scores()
    {
        StepReport Step(string gradients)
        {
            var plan = InProcessRun.Plan(SteppedRun.Settings with { RewardGradients = gradients });
            var judge = plan.Rewards[0] with { Part = plan.Rewards[0].Part with { Name = "judge", Settings = new ClipSettings { Model = "models/tiny-clip-judge" } }, Scale = 20 };
            using var run = new SteppedRun(plan with { Rewards = [plan.Rewards[0], judge] });
            return run.Step();
        }
        var (sum, balanced) = (Step(RunSettings.GradientsSum), Step(RunSettings.GradientsBalanced));
        Assert.Equal(sum.Loss, balanced.Loss);
        Assert.True(Math.Abs(sum.GradientNorm - balanced.GradientNorm) > 0.01 * sum.GradientNorm, $"{sum.GradientNorm} and {balanced.GradientNorm}");
    }

    [Fact]
    public void What_is_shared_is_made_once_and_disposed_at_the_end()
    {
        using var all = new SharedResources();
        var shared = all.Of("plugin");
        var made = 0;
        Result<Resource> Make() => new Resource { Number = ++made };
        var first = Recording.Require(shared.Get("a", Make));
        Assert.Same(first, Recording.Require(shared.Get("a", Make)));
        Assert.NotSame(first, Recording.Require(shared.Get("b", Make)));
        Assert.False(shared.Get<Resource>("c", static () => new Fault.Input(FaultCodes.ModelNotFound, "absent")).IsOk);
        Assert.Equal(3, Recording.Require(shared.Get("c", Make)).Number);
        // Another plugin may call something else the same.
        Assert.Equal(4, Recording.Require(all.Of("other").Get("a", Make)).Number);
        all.Dispose();
        Assert.True(first.Disposed);
    }

    [Fact]
    public void The_mean_over_tasks_counts_each_task_once()
    {
        var means = new TaskMeans();
        foreach (var (task, score) in new[] { ("counting", 1.0), ("colors", 0), ("colors", 0), ("colors", 0) }) means.Add(task, score);
        Assert.Equal(0.5, means.OverTasks);
        Assert.Equal(0.25, means.OverPictures);
        Assert.Equal(["colors", "counting"], means.Tasks.Keys);
        var plain = new TaskMeans();
        plain.Add(null, 2);
        Assert.Equal(2, plain.OverTasks);
    }

    public void Dispose() => _scope.Dispose();

    private static Tensor Pictures(params double[] brightness) => stack(brightness.Select(static value => full([3, 2, 2], (float)value)));

    private static Prompt[] Prompts(params int[] ids) => [.. ids.Select(static id => new Prompt(id, $"prompt {id}"))];

    private sealed class Ranks : IGroupReward
    {
        public List<(int Prompt, int Count)> Seen { get; } = [];

        public Tensor Score(Tensor images, Prompt prompt)
        {
            Seen.Add((prompt.Id, (int)images.shape[0]));
            return images.mean([1, 2, 3]).argsort().argsort().to(float32);
        }
    }

    private sealed class Brighter : IPairwiseReward
    {
        public Tensor Prefer(Tensor first, Tensor second, IReadOnlyList<Prompt> prompts) => first.mean([1, 2, 3]).gt(second.mean([1, 2, 3])).to(float32);
    }

    private sealed class Resource : IDisposable
    {
        public int Number { get; init; }

        public bool Disposed { get; private set; }

        public void Dispose() => Disposed = true;
    }
}
