namespace LeapAlign.Rewards.PreferenceHuman.Tests;

/// <summary>What voters may do, and what becomes of those who are slow, vote twice or send anything else.</summary>
public sealed class VoterTests : IDisposable
{
    private readonly VoteCase _votes = new();

    [Fact]
    public async Task Nobody_is_given_what_somebody_else_looks_at_until_that_took_too_long()
    {
        using var reward = _votes.Create(VoteCase.Settings);
        var scores = VoteCase.Begin(reward, 10, 200, 90);
        await _votes.Waits();
        string[] given = [Pair("anna"), Pair("bert"), Pair("cleo")];
        Assert.Equal(3, given.Distinct().Count());
        // Who asks again is given the same, and a fourth has to wait.
        Assert.Equal(given[1], Pair("bert"));
        Assert.Null(_votes.Next("dora")["pair"]);
        Assert.Equal(3, (int)_votes.Next("dora")["of"]!);
        _votes.Time.Advance(VoteCase.Settings.Lease - 1);
        Assert.Null(_votes.Next("dora")["pair"]);
        // To ask again does not make it last longer.
        Assert.Equal(given[0], Pair("anna"));
        _votes.Time.Advance(2);
        var taken = Pair("dora");
        Assert.Contains(taken, given);
        // The first of the two counts, the slow one is told.
        Assert.Equal(200, _votes.Vote("dora", taken, "left").Status);
        var slow = new[] { "anna", "bert", "cleo" }[Array.IndexOf(given, taken)];
        Assert.Equal(409, _votes.Vote(slow, taken, "right").Status);
        // Slow, and nobody else has voted: it counts.
        var other = given.First(pair => pair != taken);
        Assert.Equal(200, _votes.Vote(new[] { "anna", "bert", "cleo" }[Array.IndexOf(given, other)], other, "left").Status);
        while (_votes.Vote("anna", static _ => "neither") is not null || _votes.Vote("bert", static _ => "neither") is not null || _votes.Vote("cleo", static _ => "neither") is not null)
        {
        }
        await scores;
    }

    [Fact]
    public async Task Several_votes_of_a_pair_are_those_of_several_people()
    {
        using var reward = _votes.Create(VoteCase.Settings with { Votes = 3 });
        var scores = VoteCase.Begin(reward, 10, 200);
        await _votes.Waits();
        Assert.Equal(["3 votes"], _votes.Awaited);
        var pair = _votes.Vote("anna", VoteCase.Brighter)!;
        Assert.Equal(409, _votes.Vote("anna", pair, "left").Status);
        // Nothing is left for her; two others may look at it at once, and a third may not.
        Assert.Null(_votes.Next("anna")["pair"]);
        Assert.Equal(pair, Pair("bert"));
        Assert.Equal(pair, Pair("cleo"));
        Assert.Null(_votes.Next("dora")["pair"]);
        Assert.Equal(200, _votes.Vote("bert", pair, VoteCase.Brighter(_votes.Next("bert")) == "left" ? "right" : "left").Status);
        Assert.False(scores.IsCompleted);
        Assert.Equal(200, _votes.Vote("cleo", pair, VoteCase.Brighter(_votes.Next("cleo"))).Status);
        var given = await scores;
        // Two of three: the majority counts as one vote.
        Assert.Equal((float)Strengths.Scores(Strengths.Of(2, [new(1, 0, 1)], 0.1))[1], given[1]);
        Assert.Equal(404, _votes.Vote("dora", pair, "left").Status);
    }

    [Fact]
    public async Task The_last_vote_can_be_taken_back_while_its_group_is_asked_about()
    {
        using var reward = _votes.Create(VoteCase.Settings);
        var scores = VoteCase.Begin(reward, 10, 200, 90);
        await _votes.Waits();
        Assert.Equal(409, _votes.Undo("anna"));
        Assert.False((bool)_votes.Next("anna")["undo"]!);
        var wrong = _votes.Vote("anna", static offer => VoteCase.Brighter(offer) == "left" ? "right" : "left")!;
        Assert.NotEqual(wrong, Pair("anna"));
        Assert.True((bool)_votes.Next("anna")["undo"]!);
        Assert.Equal(409, _votes.Undo("bert"));
        Assert.Equal(200, _votes.Undo("anna"));
        // She is shown it again, and it is not others'.
        Assert.NotEqual(wrong, Pair("bert"));
        Assert.Equal(wrong, Pair("anna"));
        Assert.Equal(409, _votes.Undo("anna"));
        while (_votes.Vote("anna", VoteCase.Brighter) is not null || _votes.Vote("bert", VoteCase.Brighter) is not null)
        {
        }
        using var straight = new VoteCase();
        Assert.Equal(await straight.Voted(VoteCase.Settings, 10, 200, 90), await scores);
        Assert.Equal(409, _votes.Undo("anna"));
    }

    /// <summary>Who always presses the same key prefers nothing.</summary>
    [Fact]
    public async Task Sides_are_drawn_so_that_a_habit_says_nothing()
    {
        using var reward = _votes.Create(VoteCase.Settings);
        var greys = Enumerable.Range(0, 16).Select(static grey => 10 * grey).ToArray();
        var scores = VoteCase.Begin(reward, greys);
        await _votes.Waits();
        var (brighterOnLeft, all) = (0, 0);
        while (_votes.Vote("anna", offer =>
        {
            all++;
            if (VoteCase.Brighter(offer) == "left") brighterOnLeft++;
            return "left";
        }) is not null)
        {
        }
        await scores;
        Assert.Equal(120, all);
        // Of 120 fair draws, four deviations.
        Assert.InRange(brighterOnLeft, 38, 82);
    }

    [Theory]
    [InlineData("vote", "", 400)]
    [InlineData("vote", "{", 400)]
    [InlineData("vote", "[]", 400)]
    [InlineData("vote", "null", 400)]
    [InlineData("vote", "{}", 400)]
    [InlineData("vote", """{ "voter": "anna", "pair": "00" }""", 400)]
    [InlineData("vote", """{ "voter": "anna", "pair": "00", "prefers": "both" }""", 400)]
    [InlineData("vote", """{ "voter": "anna", "pair": 7, "prefers": "left" }""", 400)]
    [InlineData("vote", """{ "voter": "anna", "voter": "bert", "pair": "00", "prefers": "left" }""", 400)]
    [InlineData("vote", """{ "voter": "anna", "pair": "\ud800", "prefers": "left" }""", 400)]
    [InlineData("vote", """{ "voter": "an na", "pair": "00", "prefers": "left" }""", 400)]
    [InlineData("vote", """{ "voter": "", "pair": "00", "prefers": "left" }""", 400)]
    [InlineData("next", """{ "voter": "../../etc/passwd" }""", 400)]
    [InlineData("next", """{ "voter": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" }""", 400)]
    [InlineData("undo", "7", 400)]
    [InlineData("vote", """{ "voter": "anna", "pair": "00", "prefers": "left" }""", 404)]
    [InlineData("vote", """{ "voter": "anna", "pair": "../../x", "prefers": "left" }""", 404)]
    [InlineData("other", """{ "voter": "anna" }""", 404)]
    [InlineData("", """{ "voter": "anna" }""", 404)]
    public async Task What_is_no_vote_changes_nothing(string path, string body, int status)
    {
        using var reward = _votes.Create(VoteCase.Settings);
        var scores = VoteCase.Begin(reward, 10, 200);
        await _votes.Waits();
        var (given, said) = _votes.Post(path, body);
        Assert.Equal(status, given);
        Assert.NotEmpty((string)said["error"]!);
        Assert.Empty(Directory.GetFiles(_votes.Folder));
        Assert.False(scores.IsCompleted);
        _votes.Vote("anna", VoteCase.Brighter);
        Assert.True((await scores)[1] > 0.5);
        // Nothing can be changed by a link.
        Assert.Equal(404, _votes.Get("vote").Status);
        Assert.Equal(404, _votes.Get("next").Status);
    }

    /// <summary>A vote that the disk did not keep would be another after a restart.</summary>
    [Fact]
    public async Task A_vote_counts_only_when_the_disk_has_it()
    {
        using var reward = _votes.Create(VoteCase.Settings);
        var scores = VoteCase.Begin(reward, 10, 200);
        await _votes.Waits();
        var pair = Pair("anna");
        var path = Path.Combine(_votes.Folder, $"{pair}.json");
        // Nothing can be put over a folder that is not empty.
        Directory.CreateDirectory(Path.Combine(path, "in the way"));
        var (status, said) = _votes.Vote("anna", pair, "left");
        Assert.Equal(507, status);
        Assert.Contains("does not count", (string)said["error"]!, StringComparison.Ordinal);
        Assert.Equal(Pipeline.FaultCodes.CannotWrite, Assert.Single(_votes.Warnings).Code);
        Assert.False(scores.IsCompleted);
        Directory.Delete(path, recursive: true);
        Assert.Equal(200, _votes.Vote("anna", pair, VoteCase.Brighter(_votes.Next("anna"))).Status);
        Assert.True((await scores)[1] > 0.5);
    }

    [Fact]
    public async Task A_page_that_has_a_picture_is_not_sent_it_again()
    {
        using var reward = _votes.Create(VoteCase.Settings);
        var scores = VoteCase.Begin(reward, 10, 200);
        await _votes.Waits();
        var pair = Pair("anna");
        var (_, said) = _votes.Post("next", $$"""{ "voter": "anna", "has": "{{pair}}" }""");
        Assert.Equal(pair, (string)said["pair"]!);
        Assert.Null(said["left"]);
        Assert.Equal("a circle", (string)_votes.Next("anna")["caption"]!);
        _votes.Vote("anna", VoteCase.Brighter);
        await scores;
    }

    [Fact]
    public void The_page_names_nothing_but_itself()
    {
        using var reward = _votes.Create(VoteCase.Settings);
        foreach (var (path, type) in new[] { ("", "text/html"), ("style.css", "text/css"), ("script.js", "text/javascript") })
        {
            var answer = _votes.Get(path);
            Assert.Equal((200, type), (answer.Status, answer.Type));
            Assert.DoesNotContain("//", System.Text.Encoding.UTF8.GetString(answer.Body.Span).Replace("  //", "", StringComparison.Ordinal), StringComparison.Ordinal);
        }
    }

    public void Dispose() => _votes.Dispose();

    private string Pair(string voter) => (string)_votes.Next(voter)["pair"]!;
}
