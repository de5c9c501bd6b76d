using LeapAlign.Contracts.Plugins;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Rewards;
using LeapAlign.Pipeline;
using TorchSharp;
using static TorchSharp.torch;

namespace LeapAlign.Rewards.GenevalShapes.Tests;

/// <summary>The reward as a run uses it.</summary>
public sealed class RewardTests
{
    private static readonly GenevalShapesReward Graded = new(new GenevalShapesSettings());

    [Fact]
    public void Each_picture_is_scored_for_its_own_prompt()
    {
        using var scope = NewDisposeScope();
        var (images, prompts) = Batch(0, 1, 2, 3, 4, 5);
        var score = Graded.Score(images, prompts);
        Assert.Equal((float32, 1L), (score.dtype, score.dim()));
        Assert.Equal(Enumerable.Repeat(1f, prompts.Count), score.data<float>().ToArray());
        var crossed = Graded.Score(images, [.. prompts.Skip(1), prompts[0]]).data<float>().ToArray();
        Assert.All(crossed, static value => Assert.InRange(value, 0, 0.99f));
        Assert.Throws<ArgumentException>(() => Graded.Score(images, [prompts[0]]));
    }

    [Fact]
    public void Pictures_are_rounded_to_8_bits_and_clamped()
    {
        using var scope = NewDisposeScope();
        var (images, prompts) = Batch(3, 4);
        foreach (var shift in (double[])[-0.49, 0.49]) Assert.Equal([1f, 1f], Graded.Score(images + (shift / 255), prompts).data<float>().ToArray());
        Assert.Equal([1f, 1f], Graded.Score(images.to(bfloat16), prompts).data<float>().ToArray());
        Assert.Equal([1f, 1f], Graded.Score(where(images > 0.89, images + 3, images), prompts).data<float>().ToArray());
    }

    [Fact]
    public void A_picture_with_a_value_that_is_no_number_scores_no_number()
    {
        using var scope = NewDisposeScope();
        var (images, prompts) = Batch(0, 1, 2);
        images[1, 2, 5, 7] = float.NaN;
        images[2, 0, 0, 0] = float.PositiveInfinity;
        Assert.Equal([1f, float.NaN, float.NaN], Graded.Score(images, prompts).data<float>().ToArray());
    }

    [Fact]
    public void A_prompt_without_metadata_stops_the_run()
    {
        using var scope = NewDisposeScope();
        var (images, prompts) = Batch(0, 1);
        var thrown = Assert.Throws<FaultException>(() => Graded.Score(images, [prompts[0], new Prompt(1, "a ring")]));
        Assert.Equal(FaultCodes.BadPromptMetadata, thrown.Fault.Code);
        Assert.Contains("prompt 1 'a ring'", thrown.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Has_no_gradient_and_leaves_no_tensor_behind()
    {
        using var scope = NewDisposeScope();
        var (images, prompts) = Batch(0, 1, 2);
        images.requires_grad_();
        void Step()
        {
            using var score = Graded.Score(images, prompts);
            Assert.False(score.requires_grad);
        }
        Step();
        var alive = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        for (var step = 0; step < 5; step++) Step();
        Assert.Equal(alive, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
    }

    [Fact]
    public void The_plugin_offers_a_reward_that_is_not_differentiable()
    {
        var part = new GenevalShapesPlugin().Parts.Single();
        Assert.Equal((PartKinds.Reward, "geneval-shapes"), (part.Kind, part.Id));
        Assert.IsNotType<IDifferentiableReward>(Graded, exactMatch: false);
        Assert.DoesNotContain(Capabilities.DifferentiableReward, part.Provides(part.ReadSettings("{}")));
        Assert.Equal(new GenevalShapesSettings { Score = ShapesScore.Graded }, part.ReadSettings("{}"));
        Assert.Equal(new GenevalShapesSettings { Score = ShapesScore.Strict }, part.ReadSettings("""{"score": "strict"}"""));
        Assert.Equal("""{"score":"graded"}""", part.WriteSettings(new GenevalShapesSettings()));
    }

    /// <summary>Pictures of captions, [B, 3, H, W].</summary>
    private static (Tensor Images, IReadOnlyList<Prompt> Prompts) Batch(params int[] seeds)
    {
        var captioned = seeds.Select(static seed => new Captioned(seed)).ToList();
        var pictures = captioned.Select(static one => one.Scene.Draw())
            .Select(static picture => tensor(picture.Rgb.ToArray(), [picture.Height, picture.Width, 3]).permute(2, 0, 1).to(float32).div(255));
        return (stack(pictures), [.. captioned.Select(static one => one.Prompt)]);
    }
}
