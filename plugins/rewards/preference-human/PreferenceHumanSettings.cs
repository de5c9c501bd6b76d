using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;

namespace LeapAlign.Rewards.PreferenceHuman;

/// <summary>Settings of <c>preference-human</c>.</summary>
public sealed record PreferenceHumanSettings
{
    /// <summary>The folder of votes.</summary>
    [Description("The folder that keeps votes, relative to plugins.json and made when absent: a pair that it holds is not asked again, in this run or another.")]
    [MinLength(1)]
    public string Folder { get; init; } = "votes";

    /// <summary>The port of the page.</summary>
    [Description("The port of 127.0.0.1 that the page has; 0 takes any that is free.")]
    [Range(0, 65535)]
    public int Port { get; init; }

    /// <summary>Whether the run waits for all votes.</summary>
    [Description("wait (until every pair of a group is voted on) or goOn (after patience, with the votes there are).")]
    public VoteRule Rule { get; init; } = VoteRule.Wait;

    /// <summary>Seconds that a group waits for votes.</summary>
    [Description("With the rule goOn, the seconds that a group waits for its votes; 0 takes those in the folder and asks nobody.")]
    [Range(0.0, 2_592_000.0)]
    public double Patience { get; init; } = 600;

    /// <summary>What a pair without a vote is.</summary>
    [Description("With the rule goOn, what a pair is that nobody voted on: tie (as if somebody had said so), skip (the scores of its group are not numbers, of which guard.notFinite decides) or fail (the run ends).")]
    public MissingVote Missing { get; init; } = MissingVote.Tie;

    /// <summary>How many pairs of a group are asked.</summary>
    [Description("How many pairs of a group are asked, null for all. Fewer than one less than its pictures would leave some without any comparison with the others and are raised to that; more than there are are all.")]
    [Range(1, 1_000_000)]
    public int? Pairs { get; init; }

    /// <summary>How many people vote on each pair.</summary>
    [Description("How many people vote on each pair; the majority decides, and as many on both sides are a tie.")]
    [Range(1, 99)]
    public int Votes { get; init; } = 1;

    /// <summary>Seconds that a pair is one voter's.</summary>
    [Description("Seconds that a pair which was shown to somebody is kept from others.")]
    [Range(1.0, 86_400.0)]
    public double Lease { get; init; } = 120;

    /// <summary>The weight of the prior of strengths.</summary>
    [Description("How strongly scores are drawn together (the precision of a normal prior on the strengths of Bradley and Terry): small follows few votes further.")]
    [Range(0.001, 100.0)]
    public double Prior { get; init; } = 0.1;
}

/// <summary>Whether a run waits for all votes.</summary>
public enum VoteRule
{
    /// <summary>It does.</summary>
    [JsonStringEnumMemberName("wait")]
    Wait,

    /// <summary>It waits for some time, and goes on with the votes there are.</summary>
    [JsonStringEnumMemberName("goOn")]
    GoOn,
}

/// <summary>What a pair is that nobody voted on.</summary>
public enum MissingVote
{
    /// <summary>A tie.</summary>
    [JsonStringEnumMemberName("tie")]
    Tie,

    /// <summary>A reason to have no scores for its group.</summary>
    [JsonStringEnumMemberName("skip")]
    Skip,

    /// <summary>The end of the run.</summary>
    [JsonStringEnumMemberName("fail")]
    Fail,
}
