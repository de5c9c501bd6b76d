using LeapAlign.Contracts.Plugins;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Contracts.Rewards;
using LeapAlign.Pipeline;
using LeapAlign.Rewards.Remote.Tests;
using static TorchSharp.torch;

namespace LeapAlign.Rewards.Surrogate.Tests;

/// <summary>True scores, and gradients of what the ensemble has learnt of them.</summary>
public sealed class SurrogateTests
{
    private static readonly SurrogateSettings s_settings = new() { Of = ["judge"], Every = 2, Updates = 60, Batch = 32, Capacity = 64, Size = 16, Width = 8, Rate = 3e-3 };

    // A judge that cannot be differentiated: red for captions that say so, blue for others.
    private static readonly Func<Tensor, IReadOnlyList<Prompt>, Tensor> s_colour = static (images, prompts) =>
        tensor([.. prompts.Select((prompt, row) => images[row, prompt.Text.StartsWith("red", StringComparison.Ordinal) ? 0 : 2].mean().item<float>())]);

    [Fact]
    public void The_score_is_the_true_one_to_the_bit_and_has_no_gradient_before_the_first_fit()
    {
        using var scope = NewDisposeScope();
        using var reward = Made(s_settings, s_colour);
        var (images, prompts) = Pictures(0, 6);
        var expected = s_colour(images, prompts).data<float>().ToArray();
        Assert.Equal(expected, reward.Score(images, prompts).data<float>().ToArray());
        Assert.False(reward.Score(images, prompts).requires_grad);
        Assert.Equal(0, Kept(reward));
        images.requires_grad_();
        var scores = reward.Score(images, prompts);
        Assert.Equal(expected, scores.detach().data<float>().ToArray());
        scores.sum().backward();
        Assert.Equal(0, images.grad!.abs().max().item<float>());
        Assert.Equal(6, Kept(reward));
        Fit(reward, 4);
        Assert.Equal(expected, reward.Score(images, prompts).detach().data<float>().ToArray());
    }

    [Fact]
    public void Its_gradient_is_the_direction_of_the_black_box_for_each_caption()
    {
        using var scope = NewDisposeScope();
        using var reward = Made(s_settings with { Every = 8, Capacity = 256, Updates = 250 }, s_colour);
        for (var step = 0; step < 8; step++) Collect(reward, step, 32);
        var errors = Enumerable.Range(8, 4).Select(step =>
        {
            Collect(reward, step, 32, learn: false);
            return reward.Learn(step, Key(step)).GetValueOrDefault("error", double.NaN);
        }).ToList();
        Assert.All(errors, static error => Assert.InRange(error, 0, 0.6));
        var (images, prompts) = Pictures(99, 32);
        images.requires_grad_();
        reward.Score(images, prompts).sum().backward();
        // Steepest ascent of a linear judge: its own channel, evenly. 1/256 for each pixel.
        var slopes = images.grad!.mean([2, 3]);
        foreach (var (prompt, row) in prompts.Select(static (prompt, row) => (prompt, row)))
        {
            var (own, other) = prompt.Text.StartsWith("red", StringComparison.Ordinal) ? (0, 2) : (2, 0);
            Assert.InRange(slopes[row, own].item<float>() * 256, 0.4, 1.6);
            Assert.True(Math.Abs(slopes[row, other].item<float>()) < slopes[row, own].item<float>() / 2);
        }
    }

    [Fact]
    public void The_lowest_member_is_followed()
    {
        using var scope = NewDisposeScope();
        using var reward = Made(s_settings, s_colour);
        Fit(reward, 4);
        var (images, prompts) = Pictures(5, 12);
        images.requires_grad_();
        reward.Score(images, prompts).sum().backward();
        var followed = images.grad!.clone();
        var predicted = reward.Predicted(images, prompts);
        var lowest = predicted.argmin(0);
        Assert.True(lowest.data<long>().ToArray().Distinct().Count() > 1, "one member is lowest everywhere");
        images.grad = null;
        stack([.. Enumerable.Range(0, 12).Select(row => predicted[lowest[row].item<long>(), row])]).sum().backward();
        Assert.True((followed - images.grad!).abs().max().item<float>() <= 1e-6 * followed.abs().max().item<float>());
        Assert.True(followed.abs().max().item<float>() > 0);
    }

    [Fact]
    public void Scores_are_the_weighted_sum_of_several_rewards_and_so_is_what_is_learnt()
    {
        using var scope = NewDisposeScope();
        var settings = s_settings with { Of = ["red", "blue"], Weights = [2, -1], Every = 6, Capacity = 256, Updates = 250 };
        using var reward = Made(settings, static (images, _) => images.mean([2, 3]).select(1, 0) * 10, static (images, _) => images.mean([2, 3]).select(1, 2));
        var (images, prompts) = Pictures(1, 5);
        var means = images.mean([2, 3]);
        Assert.True((reward.Score(images, prompts) - ((means.select(1, 0) * 20) - means.select(1, 2))).abs().max().item<float>() < 1e-5);
        for (var step = 0; step < 6; step++) Collect(reward, step, 32);
        images.requires_grad_();
        reward.Score(images, prompts).sum().backward();
        var slopes = images.grad!.mean([0, 2, 3]) * 256;
        Assert.InRange(slopes[0].item<float>(), 12, 28);
        Assert.InRange(Math.Abs(slopes[1].item<float>()), 0, 6);
    }

    [Fact]
    public void What_has_no_score_is_not_learnt_and_the_newest_pictures_are_kept()
    {
        using var scope = NewDisposeScope();
        using var reward = Made(s_settings with { Capacity = 4 }, static (images, prompts) => tensor([.. prompts.Select(static prompt => prompt.Id % 2 == 0 ? float.NaN : prompt.Id)]));
        var (images, prompts) = Pictures(0, 7);
        var scores = reward.Score(images.requires_grad_(), prompts).detach().data<float>().ToArray();
        Assert.Equal([true, false, true, false, true, false, true], scores.Select(float.IsNaN));
        Assert.Equal(3, Kept(reward));
        var (more, captions) = Pictures(1, 4);
        reward.Score(more.requires_grad_(), [.. captions.Select(static prompt => new Prompt(prompt.Id + 101 + prompt.Id, prompt.Text))]);
        Assert.Equal(4, Kept(reward));
        var kept = reward.Save().Tensors.Single(static tensor => tensor.Name == "scores").Value.data<float>().ToArray();
        Assert.Equal([101, 103, 105, 107], kept.Order());
    }

    [Fact]
    public void It_is_fitted_every_so_many_steps_and_tells_how_far_it_was_off()
    {
        using var scope = NewDisposeScope();
        using var reward = Made(s_settings with { Every = 3 }, s_colour);
        List<string> told = [];
        for (var step = 0; step < 7; step++)
        {
            Collect(reward, step, 8, learn: false);
            told.Add(string.Join(' ', reward.Learn(step, Key(step)).Keys.Order()));
        }
        Assert.Equal(["", "", "kept", "error", "error", "error kept", "error"], told);
    }

    // With the same draws members would agree because they saw the same, and not because the pictures say so.
    [Fact]
    public void Each_member_learns_from_draws_of_its_own()
    {
        using var scope = NewDisposeScope();
        var settings = s_settings with { Every = 1, Updates = 3, Batch = 4 };
        using var reward = Made(settings, s_colour);
        Collect(reward, 0, 32);
        var kept = reward.Save().Tensors.ToDictionary(static tensor => tensor.Name, static tensor => tensor.Value, StringComparer.Ordinal);
        for (var number = 0; number < SurrogateReward.Members; number++)
        {
            using var twin = new Regression($"member{number}", settings, 1, CPU);
            var draws = Key(0).For("member", number).Open();
            for (var update = 0; update < settings.Updates; update++)
            {
                var places = tensor(Enumerable.Range(0, settings.Batch).Select(_ => (long)draws.NextInt(0, 32)).ToArray());
                twin.Learn(kept["pictures"].index_select(0, places), kept["words"].index_select(0, places), (kept["scores"].index_select(0, places) - kept["mean"]) / kept["spread"], settings.Rate);
            }
            Assert.All(twin.Tensors, tensor => Assert.Equal(tensor.Value.bytes.ToArray(), kept[tensor.Name].bytes.ToArray()));
        }
    }

    [Fact]
    public void It_goes_on_from_its_state_to_the_same_bits()
    {
        using var scope = NewDisposeScope();
        float[] Gradient(SurrogateReward reward)
        {
            var (images, prompts) = Pictures(50, 4);
            images.requires_grad_();
            reward.Score(images, prompts).sum().backward();
            return images.grad!.data<float>().ToArray();
        }
        using var whole = Made(s_settings with { Capacity = 20 }, s_colour);
        for (var step = 0; step < 5; step++) Collect(whole, step, 8);
        using var resumed = Made(s_settings with { Capacity = 20 }, s_colour);
        Assert.True(resumed.Load(whole.Save()).IsOk);
        for (var step = 5; step < 8; step++)
        {
            Collect(whole, step, 8);
            Collect(resumed, step, 8);
        }
        var gradient = Gradient(whole);
        Assert.Equal(gradient, Gradient(resumed));
        Assert.Contains(gradient, static slope => slope != 0);
        using var other = Made(s_settings with { Capacity = 21 }, s_colour);
        Assert.Equal(FaultCodes.StateMismatch, other.Load(whole.Save()).Match(static _ => "", static fault => fault.Code));
    }

    [Fact]
    public void What_it_requires_and_refuses()
    {
        var part = new SurrogatePlugin().Parts.Single();
        Assert.Equal([Capabilities.FallenUndone], part.Requires(part.ReadSettings("""{"of": ["judge"]}""")));
        Assert.Empty(part.Requires(part.ReadSettings("""{"of": ["judge"], "guarded": false}""")));
        Assert.Contains(Capabilities.DifferentiableReward, part.Provides(part.ReadSettings("""{"of": ["judge"]}""")));
        var context = RemoteCase.Context().WithRewards(static name => name == "judge" ? Result.Ok<IReward>(new Judge(s_colour)) : new Fault.Composition(FaultCodes.NoRewardOfReward, name));
        string Code(SurrogateSettings settings) => SurrogateReward.Create(settings, context).Match(static _ => "", static fault => fault.Code);
        Assert.Equal(FaultCodes.SurrogateWeights, Code(s_settings with { Weights = [1, 2] }));
        Assert.Equal(FaultCodes.Duplicate, Code(s_settings with { Of = ["judge", "judge"] }));
        Assert.Equal(FaultCodes.NoRewardOfReward, Code(s_settings with { Of = ["judge", "nobody"] }));
    }

    private static SurrogateReward Made(SurrogateSettings settings, params Func<Tensor, IReadOnlyList<Prompt>, Tensor>[] judges)
    {
        var context = RemoteCase.Context().WithRewards(name => Result.Ok<IReward>(new Judge(judges[settings.Of.ToList().IndexOf(name)])));
        return SurrogateReward.Create(settings, context).Match(static reward => reward, static fault => throw new FaultException(fault));
    }

    private static int Kept(SurrogateReward reward) => (int)reward.Save().Numbers["count"];

    private static RandomKey Key(int step) => RandomKey.OfRun(3).For("step", step);

    private static void Fit(SurrogateReward reward, int steps)
    {
        for (var step = 0; step < steps; step++) Collect(reward, step, 16);
    }

    private static void Collect(SurrogateReward reward, int step, int count, bool learn = true)
    {
        var (images, prompts) = Pictures(step, count);
        reward.Score(images.requires_grad_(), prompts);
        if (learn) reward.Learn(step, Key(step));
    }

    // Smooth pictures of other colours each.
    private static (Tensor Images, Prompt[] Prompts) Pictures(int seed, int count)
    {
        var noise = RandomKey.OfRun(seed).For("pictures").Normal([count, 3, 16, 16], CPU) * 0.1;
        var colours = RandomKey.OfRun(seed).For("colours").Normal([count, 3, 1, 1], CPU) * 0.3;
        return ((noise + colours + 0.5).clamp(0, 1), [.. Enumerable.Range(0, count).Select(static row => new Prompt(row, row % 2 == 0 ? "red circle" : "blue ring"))]);
    }

    private sealed class Judge(Func<Tensor, IReadOnlyList<Prompt>, Tensor> score) : IReward
    {
        public Tensor Score(Tensor images, IReadOnlyList<Prompt> prompts)
        {
            Assert.False(images.requires_grad);
            return score(images, prompts);
        }
    }
}
