using LeapAlign.Pipeline;
using LeapAlign.Testing;
using TorchSharp;

namespace LeapAlign.Rewards.PreferenceHuman.Tests;

/// <summary>From pictures to scores: waiting, going on, stopping, coming by again.</summary>
public sealed class ScoreTests
{
    [Fact]
    public async Task The_picture_that_people_prefer_scores_higher()
    {
        using var votes = new VoteCase();
        var scores = await votes.Voted(VoteCase.Settings, 10, 200, 90);
        Assert.True(scores[1] > scores[2] && scores[2] > scores[0]);
        Assert.Equal(1.5f, scores.Sum(), 5);
        Assert.Equal(["3 votes"], votes.Awaited);
        // Two wins, one, none, with a prior of 0.1.
        var expected = Strengths.Scores(Strengths.Of(3, [new(1, 0, 1), new(1, 2, 1), new(2, 0, 1)], 0.1));
        Assert.Equal(expected.Select(static score => (float)score), scores);
        Assert.Empty(votes.Warnings);
    }

    [Fact]
    public async Task Who_comes_by_again_asks_nothing_and_has_the_same_scores_to_the_bit()
    {
        using var votes = new VoteCase();
        var first = await votes.Voted(VoteCase.Settings with { Pairs = 4 }, 10, 200, 90, 50);
        Assert.Equal(4, Directory.GetFiles(votes.Folder).Length);
        // In another order, by another process.
        using var again = votes.Create(VoteCase.Settings with { Pairs = 4 });
        Assert.Equal([first[3], first[0], first[2], first[1]], VoteCase.Score(again, 50, 10, 90, 200));
        Assert.Single(votes.Awaited);
    }

    /// <summary>The process dies between two votes: the one that was given is not asked for again.</summary>
    [Fact]
    public async Task A_vote_that_was_given_survives_the_end_of_the_process()
    {
        using var votes = new VoteCase();
        using (var killed = votes.Create(VoteCase.Settings))
        {
            var scores = VoteCase.Begin(killed, 10, 200, 90);
            await votes.Waits();
            votes.Vote("anna", VoteCase.Brighter);
            votes.Vote("anna", VoteCase.Brighter);
            votes.Stop();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => scores);
        }
        Assert.Equal(2, Directory.GetFiles(votes.Folder).Length);
        using var other = new VoteCase();
        Repository.CopyFolder(votes.Folder, other.Folder);
        var after = await other.Voted(VoteCase.Settings, 10, 200, 90);
        Assert.Equal(["1 vote"], other.Awaited);
        using var whole = new VoteCase();
        Assert.Equal(await whole.Voted(VoteCase.Settings, 10, 200, 90), after);
    }

    [Theory]
    [InlineData(MissingVote.Tie)]
    [InlineData(MissingVote.Skip)]
    [InlineData(MissingVote.Fail)]
    public async Task After_its_patience_a_run_goes_on_with_the_votes_there_are(MissingVote missing)
    {
        using var votes = new VoteCase();
        var settings = VoteCase.Settings with { Rule = VoteRule.GoOn, Patience = 60, Missing = missing };
        using var reward = votes.Create(settings);
        var scores = VoteCase.Begin(reward, 10, 200, 90);
        await votes.Waits();
        var (left, right) = (VoteCase.Grey(votes.Next("anna"), "left"), VoteCase.Grey(votes.Next("anna"), "right"));
        votes.Vote("anna", VoteCase.Brighter);
        votes.Time.Advance(59);
        Assert.Equal(1, (int)votes.Next("bert")["done"]!);
        votes.Time.Advance(2);
        int[] greys = [10, 200, 90];
        if (missing == MissingVote.Fail)
        {
            var fault = (await Assert.ThrowsAsync<FaultException>(() => scores)).Fault;
            Assert.Equal((FaultCodes.NoVotes, 6), (fault.Code, fault.ExitCode));
            Assert.Contains("nobody voted on 2 of 3 pairs of pictures of 'a circle' within 60 s", fault.Message, StringComparison.Ordinal);
            return;
        }
        var given = await scores;
        if (missing == MissingVote.Skip)
        {
            Assert.All(given, static score => Assert.True(float.IsNaN(score)));
            return;
        }
        var (better, worse) = (Array.IndexOf(greys, Math.Max(left, right)), Array.IndexOf(greys, Math.Min(left, right)));
        var other = 3 - better - worse;
        Assert.True(given[better] > given[other] && given[other] > given[worse]);
        Assert.Equal(0.5, given[other], 6);
        // A vote that comes now is too late, and whoever comes by again has these scores.
        Assert.Equal(0, (int)votes.Next("bert")["of"]!);
        using var again = votes.Create(settings);
        Assert.Equal(given, await VoteCase.Begin(again, greys).WaitAsync(TimeSpan.FromSeconds(30)));
        Assert.Single(votes.Awaited);
    }

    [Fact]
    public void Without_patience_nobody_is_asked()
    {
        using var votes = new VoteCase();
        using var reward = votes.Create(VoteCase.Settings with { Rule = VoteRule.GoOn, Patience = 0 });
        Assert.Equal([0.5f, 0.5f], VoteCase.Score(reward, 10, 200));
        Assert.Empty(votes.Awaited);
    }

    [Fact]
    public async Task A_run_that_waits_does_so_until_it_is_asked_to_stop()
    {
        using var votes = new VoteCase();
        using var reward = votes.Create(VoteCase.Settings with { Patience = 1 });
        var scores = VoteCase.Begin(reward, 10, 200);
        await votes.Waits();
        votes.Time.Advance(1_000_000);
        Assert.False(scores.IsCompleted);
        Assert.NotNull(votes.Next("anna")["pair"]);
        votes.Stop();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => scores);
        // Nobody is asked any more, and nothing was closed: the resumed run asks again.
        Assert.Equal(0, (int)votes.Next("anna")["of"]!);
        Assert.Empty(Directory.GetFiles(votes.Folder));
    }

    [Fact]
    public void Pictures_that_stand_alone_or_are_equal_are_worth_a_half()
    {
        using var votes = new VoteCase();
        using var reward = votes.Create(VoteCase.Settings);
        Assert.Equal([0.5f, 0.5f, 0.5f], VoteCase.Score(reward, 7, 7, 7));
        Assert.Empty(votes.Warnings);
        Assert.Equal([0.5f], VoteCase.Score(reward, 7));
        Assert.Equal([0.5f], VoteCase.Score(reward, 8));
        var warning = Assert.Single(votes.Warnings);
        Assert.Equal(FaultCodes.NoVotes, warning.Code);
        Assert.Contains("evaluation.imagesPerPrompt", warning.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Equal_pictures_of_a_group_have_one_score()
    {
        using var votes = new VoteCase();
        var scores = await votes.Voted(VoteCase.Settings, 10, 200, 10);
        Assert.Equal(["1 vote"], votes.Awaited);
        Assert.Equal(scores[0], scores[2]);
        Assert.True(scores[1] > scores[0]);
    }

    [Fact]
    public void A_picture_that_is_not_finite_is_a_fault_and_shown_to_nobody()
    {
        using var scope = torch.NewDisposeScope();
        using var votes = new VoteCase();
        using var reward = votes.Create(VoteCase.Settings);
        var pictures = VoteCase.Greys(1, 2);
        pictures[1, 0, 2, 3] = float.NaN;
        var fault = Assert.Throws<FaultException>(() => reward.Score(pictures, new(0, "a circle"))).Fault;
        Assert.Equal(FaultCodes.NotFinite, fault.Code);
    }

    [Fact]
    public async Task A_file_that_lies_is_asked_for_again()
    {
        using var votes = new VoteCase();
        var first = await votes.Voted(VoteCase.Settings, 10, 200);
        var file = Assert.Single(Directory.GetFiles(votes.Folder));
        File.WriteAllText(file, File.ReadAllText(file).Replace("first", "neither", StringComparison.Ordinal).Replace("second", "first", StringComparison.Ordinal));
        Assert.Equal(first, await votes.Voted(VoteCase.Settings, 10, 200));
        Assert.Equal(FaultCodes.VotesDamaged, Assert.Single(votes.Warnings).Code);
        Assert.Equal(2, votes.Awaited.Count);
    }
}
