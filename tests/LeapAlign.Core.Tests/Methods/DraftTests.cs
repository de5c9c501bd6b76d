using LeapAlign.Contracts.Randomness;
using LeapAlign.Methods.Drafts;
using static TorchSharp.torch;

namespace LeapAlign.Core.Tests.Methods;

/// <summary>Golden values of drafts, in double, and what they must be whatever the numbers are.</summary>
public sealed class DraftTests
{
    private static readonly double[] s_target = [0.4, 0.1, 0.3, 0.2];
    private static readonly double[] s_slopes = [-0.166831845, 0.085678259, 0.156115966, -0.074962380];

    [Fact]
    public void The_variation_of_two_normal_steps_and_its_gradient()
    {
        using var scope = NewDisposeScope();
        var draft = Row(0.3, -0.1, 0.25).requires_grad_();
        var variation = new GaussianDraft(draft, Row(0.1, 0.2, 0.2), 0.4).TotalVariation;
        Close([0.350895702], variation);
        variation.sum().backward();
        Close([0.494101152, -0.741151728, 0.123525288], draft.grad!);
        Close([1 - 0.350895702], new GaussianDraft(draft, Row(0.1, 0.2, 0.2), 0.4).Acceptance);
    }

    [Fact]
    public void A_proposal_and_its_reflection()
    {
        using var scope = NewDisposeScope();
        var draft = new GaussianDraft(Row(0.3, -0.1, 0.25), Row(0.1, 0.2, 0.2), 0.4);
        Close([-1.451562500], draft.LogRatio(Row(0.5, -1, 0.3)));
        Close([-0.201132075, 0.551698113, 0.194716981], draft.Reflected(Row(0.5, -1, 0.3)));
    }

    [Fact]
    public void Equal_steps_are_always_accepted_and_have_no_gradient()
    {
        using var scope = NewDisposeScope();
        var same = Row(0.3, -0.1, 0.25).requires_grad_();
        var draft = new GaussianDraft(same, same.detach(), 0.4);
        Close([0], draft.LogRatio(Row(0.5, -1, 0.3)));
        draft.TotalVariation.sum().backward();
        Close([0, 0, 0], same.grad!);
    }

    [Fact]
    public void Acceptance_over_proposals_is_what_the_variation_says_and_norms_are_sums()
    {
        using var scope = NewDisposeScope();
        const int many = 40_000;
        var noise = RandomKey.OfRun(3).For("noise").Normal([many, 6], CPU).to(float64);
        // 6 dimensions of 0.3: a distance of 0.73, of which a mean over dimensions would make 0.3.
        var (draft, target) = (full([many, 6], 0.3, dtype: float64), zeros(many, 6, dtype: float64));
        var step = new GaussianDraft(draft, target, 0.5);
        var accepted = step.LogRatio(noise).exp().clamp_max(1).mean().item<double>();
        var expected = step.Acceptance[0].item<double>();
        Assert.Equal(0.4624, expected, 1e-3);
        Assert.Equal(expected, accepted, 4 * 0.5 / Math.Sqrt(many));
    }

    [Fact]
    public void The_reward_is_the_policy_gradient_of_the_variation()
    {
        using var scope = NewDisposeScope();
        var (logits, target) = (tensor(new[] { 0.2, -0.1, 0.5, -0.6 }).requires_grad_(), tensor(s_target));
        var draft = logits.softmax(0);
        var variation = (draft - target).abs().sum() / 2;
        Assert.Equal(0.190585731, variation.item<double>(), 1e-9);
        variation.backward();
        Close(s_slopes, logits.grad!);
        logits.grad = null;
        var rewards = DraftGradient.Rewards(target, logits.softmax(0));
        (logits.softmax(0).detach() * rewards * logits.log_softmax(0)).sum().neg().backward();
        Close(s_slopes, logits.grad!);
    }

    [Fact]
    public void Rewards_are_compared_with_their_mean_over_the_batch()
    {
        using var scope = NewDisposeScope();
        var (logits, target, drawn) = (tensor(new[] { 0.2, -0.1, 0.5, -0.6 }).requires_grad_(), tensor(s_target), tensor(new long[] { 0, 2, 2, 1, 3, 0, 2, 3 }));
        var draft = logits.log_softmax(0);
        var rewards = DraftGradient.Rewards(target.log(), draft).index_select(0, drawn);
        var mean = rewards.mean().item<double>();
        Assert.Equal(0.5, mean);
        DraftGradient.Loss(rewards, draft.index_select(0, drawn), mean).backward();
        Close([-0.25, 0.125, 0.375, -0.25], logits.grad!, 2e-8);
    }

    [Fact]
    public void Rewards_that_are_all_the_same_teach_nothing()
    {
        using var scope = NewDisposeScope();
        var likelihood = tensor(new[] { -1.0, -2 }).requires_grad_();
        DraftGradient.Loss(ones(2, dtype: float64), likelihood, 1).backward();
        Close([0, 0], likelihood.grad!);
    }

    private static Tensor Row(params double[] values) => tensor(values).unsqueeze(0);

    private static void Close(double[] expected, Tensor actual, double tolerance = 1e-9)
    {
        Assert.Equal(expected.Length, actual.numel());
        foreach (var (one, other) in expected.Zip(actual.detach().data<double>())) Assert.Equal(one, other, tolerance);
    }
}
