using LeapAlign.Contracts.Prompts;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Rewards.Clip.Tests;

/// <summary>Captions: the cache of their features, and what happens to long ones.</summary>
public class CaptionTests
{
    [Fact]
    public void Scores_are_the_same_bit_for_bit_whatever_is_kept()
    {
        using var scope = NewDisposeScope();
        var recorded = new RewardCase();
        var capacities = new[] { 0, 1, Math.Max(1, recorded.Prompts.Count - 1), 4096 };
        var rewards = capacities.Select(capacity => recorded.Reward(change: settings => settings with { TextCache = capacity })).ToArray();
        // Several batches in several orders, so that entries are found, dropped and made again, within a batch too.
        for (var turn = 0; turn < 4; turn++)
        {
            var prompts = recorded.Prompts.Skip(turn).Concat(recorded.Prompts.Take(turn)).ToList();
            var scores = rewards.Select(reward => reward.Score(recorded.Images, prompts)).ToArray();
            foreach (var score in scores) Assert.Equal(scores[0].data<float>().ToArray(), score.data<float>().ToArray());
        }
        foreach (var reward in rewards) reward.Dispose();
    }

    [Fact]
    public void A_captions_features_do_not_depend_on_its_neighbours()
    {
        using var scope = NewDisposeScope();
        var recorded = new RewardCase();
        using var together = recorded.Reward();
        using var alone = recorded.Reward();
        var batch = together.Score(recorded.Images[..1].expand(recorded.Prompts.Count, -1, -1, -1), recorded.Prompts);
        foreach (var prompt in recorded.Prompts.Reverse()) alone.Score(recorded.Images[..1], [prompt]);
        var again = alone.Score(recorded.Images[..1].expand(recorded.Prompts.Count, -1, -1, -1), recorded.Prompts);
        Assert.Equal(batch.data<float>().ToArray(), again.data<float>().ToArray());
    }

    [Fact]
    public void Kept_captions_are_found_and_the_one_used_longest_ago_is_dropped()
    {
        using var scope = NewDisposeScope();
        using var cache = new FeatureCache(2, 1, CPU);
        List<string> made = [];
        float Get(string text) => cache.Get(text, caption =>
        {
            made.Add(caption);
            return tensor(new[] { (float)caption.Length });
        }).item<float>();
        string[] captions = ["a", "bb", "a", "ccc", "a", "bb"];
        foreach (var caption in captions) Assert.Equal(caption.Length, Get(caption));
        Assert.Equal(["a", "bb", "ccc", "bb"], made);
    }

    [Fact]
    public void Features_handed_out_outlive_their_place_in_the_cache()
    {
        using var scope = NewDisposeScope();
        using var cache = new FeatureCache(1, 1, CPU);
        static Tensor Make(string caption) => tensor(new[] { (float)caption.Length });
        cache.Get("a", Make);
        var kept = cache.Get("a", Make);
        cache.Get("bb", Make);
        Assert.Equal(1, kept.item<float>());
    }

    [Fact]
    public void A_caption_that_is_too_long_is_cut_with_one_warning()
    {
        using var scope = NewDisposeScope();
        var recorded = new RewardCase();
        using var reward = recorded.Reward(change: settings => settings with { TextCache = 0 });
        var word = recorded.Prompts[0].Text;
        var texts = new[] { 500, 501, 500 }.Select(count => string.Join(' ', Enumerable.Repeat(word, count))).ToArray();
        var prompts = texts.Select((text, index) => new Prompt(index, text)).ToList();
        var images = recorded.Images[..1].expand(prompts.Count, -1, -1, -1);
        var first = reward.Score(images, prompts).data<float>().ToArray();
        reward.Score(images, prompts);
        // One for each caption, however often it comes; the host counts equal codes.
        Assert.Equal(2, recorded.Warnings.Count);
        Assert.All(recorded.Warnings, warning => Assert.Equal(FaultCodes.CaptionCut, warning.Code));
        Assert.All(first, score => Assert.True(float.IsFinite(score)));
        Assert.Equal(first[0], first[1]);
    }
}
