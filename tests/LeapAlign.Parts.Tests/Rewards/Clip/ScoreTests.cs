using LeapAlign.Contracts.Prompts;
using LeapAlign.Pipeline;
using LeapAlign.Storage.Safetensors;
using LeapAlign.Testing;
using TorchSharp;
using static TorchSharp.torch;

namespace LeapAlign.Rewards.Clip.Tests;

/// <summary>Scores and gradients on recorded pictures.</summary>
public class ScoreTests
{
    /// <summary>The fixtures' tolerance for values behind whole pipelines.</summary>
    private const double PipelineTolerance = 2e-4;

    [Theory]
    [InlineData("tiny-clip-reward", "reward")]
    [InlineData("tiny-clip-judge", "judge")]
    public void Agrees_with_the_reference(string model, string column)
    {
        using var scope = NewDisposeScope();
        var recorded = new RewardCase();
        using var reward = recorded.Reward(model);
        var score = reward.Score(recorded.Images, recorded.Prompts);
        Assert.Equal(float32, score.dtype);
        Agreement.Values(score, recorded.Recorded(column), column, PipelineTolerance);
        Assert.Empty(recorded.Warnings);
    }

    [Fact]
    public void Computes_in_bfloat16_and_scores_in_fp32()
    {
        using var scope = NewDisposeScope();
        var recorded = new RewardCase();
        using var reward = recorded.Reward(type: bfloat16);
        var score = reward.Score(recorded.Images, recorded.Prompts);
        Assert.Equal(float32, score.dtype);
        Agreement.Values(score, recorded.Recorded("reward"), "reward", tolerance: 0.03);
        Assert.True((score - recorded.Recorded("reward")).abs().max().item<float>() > 1e-5, "the run's precision is not used");
    }

    [Fact]
    public void Logit_is_the_cosine_times_the_models_own_scale()
    {
        using var scope = NewDisposeScope();
        var recorded = new RewardCase();
        using var cosine = recorded.Reward();
        using var logit = recorded.Reward(change: settings => settings with { Scale = ClipScale.Logit });
        var file = Recording.Require(SafetensorsFolder.Open(Path.Combine(Repository.Models, "tiny-clip-reward")));
        var scale = Recording.Require(file.Read("logit_scale")).to(float64).exp().item<double>();
        Assert.NotEqual(1, scale, 1e-2);
        Agreement.Values(logit.Score(recorded.Images, recorded.Prompts), cosine.Score(recorded.Images, recorded.Prompts) * scale, "logit");
    }

    [Theory]
    [InlineData(1.0)]
    [InlineData(1.5)]
    public void Gradient_agrees_with_finite_differences(double enlarged)
    {
        using var scope = NewDisposeScope();
        var recorded = new RewardCase();
        // In double precision throughout, text features apart: they are the same on both sides of the difference.
        using var reward = recorded.Reward(type: float64);
        var original = recorded.Images.to(float64);
        long[] size = [(long)(original.shape[2] * enlarged), (long)(original.shape[3] * enlarged * enlarged)];
        var images = nn.functional.interpolate(original, size).detach().requires_grad_();
        var score = reward.Score(images, recorded.Prompts);
        score.sum().backward();
        var gradient = images.grad ?? throw new InvalidOperationException("no gradient reached the pictures");
        Assert.Equal(images.shape, gradient.shape);
        // Along each picture's own gradient the slope is the gradient's length.
        var length = gradient.square().sum([1, 2, 3]).sqrt();
        Assert.True(length.min().item<double>() > 1e-9, "a picture has no gradient");
        var direction = gradient / length.view(-1, 1, 1, 1);
        using var _ = no_grad();
        const double step = 1e-4;
        var slope = (reward.Score(images + (direction * step), recorded.Prompts) - reward.Score(images - (direction * step), recorded.Prompts)) / (2 * step);
        var difference = ((slope - length) / length).abs().max().item<double>();
        Assert.True(difference < 1e-4, $"slopes differ by {difference:G3}");
    }

    [Fact]
    public void No_tensor_is_left_behind()
    {
        var recorded = new RewardCase();
        using var reward = recorded.Reward();
        void Step()
        {
            using var scope = NewDisposeScope();
            var images = recorded.Images.requires_grad_();
            reward.Score(images, recorded.Prompts).sum().backward();
        }
        Step();
        // Of this thread: other tests run beside this one.
        var alive = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        for (var step = 0; step < 5; step++) Step();
        Assert.Equal(alive, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
    }

    [Fact]
    public void Each_picture_is_scored_for_its_own_prompt()
    {
        using var scope = NewDisposeScope();
        var recorded = new RewardCase();
        using var reward = recorded.Reward();
        var straight = reward.Score(recorded.Images, recorded.Prompts);
        var order = Enumerable.Range(0, recorded.Prompts.Count).Reverse().ToArray();
        var reversed = reward.Score(recorded.Images.flip(0), [.. order.Select(index => recorded.Prompts[index])]);
        Agreement.Values(reversed.flip(0), straight, "order", tolerance: 1e-6);
        var crossed = reward.Score(recorded.Images.flip(0), recorded.Prompts);
        Assert.True((crossed - straight).abs().max().item<float>() > 1e-4);
        Assert.Throws<ArgumentException>(() => reward.Score(recorded.Images, [new Prompt(0, "one")]));
    }
}
