namespace LeapAlign.Rewards.PreferenceHuman;

/// <summary>What somebody prefers of a pair.</summary>
internal enum Preference
{
    /// <summary>The picture whose hash comes first.</summary>
    First,

    /// <summary>The other.</summary>
    Second,

    /// <summary>Neither, or he cannot say.</summary>
    Neither,
}

/// <summary>A vote.</summary>
/// <param name="Voter">Who gave it: what his browser calls itself.</param>
/// <param name="Prefers">What he prefers.</param>
internal sealed record Vote(string Voter, Preference Prefers);

/// <summary>What people said of a pair.</summary>
/// <param name="Votes">One of each voter, in the order in which they came.</param>
/// <param name="IsClosed">Whether a run went on with these: whoever comes by again has the same scores, and asks no more.</param>
internal sealed record PairVotes(IReadOnlyList<Vote> Votes, bool IsClosed)
{
    /// <summary>No votes.</summary>
    public static PairVotes None { get; } = new([], false);

    /// <summary>What the majority says: 1 where it prefers the first picture, 0 the second, ½ where there is none; null without votes.</summary>
    public double? Won => Votes.Count == 0
        ? null
        : (1 + Math.Sign(Votes.Count(static vote => vote.Prefers == Preference.First) - Votes.Count(static vote => vote.Prefers == Preference.Second))) / 2.0;

    /// <summary>Whether somebody has voted.</summary>
    public bool Has(string voter) => Votes.Any(vote => vote.Voter == voter);

    /// <summary>With a vote more.</summary>
    public PairVotes With(Vote vote) => this with { Votes = [.. Votes, vote] };

    /// <summary>Without somebody's vote.</summary>
    public PairVotes Without(string voter) => this with { Votes = [.. Votes.Where(vote => vote.Voter != voter)] };
}
