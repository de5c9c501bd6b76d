using LeapAlign.Contracts.Randomness;
using LeapAlign.Pipeline;

namespace LeapAlign.Rewards.PreferenceHuman;

/// <summary>A pair as somebody sees it.</summary>
/// <param name="Pair">The pair.</param>
/// <param name="Group">Its pictures.</param>
/// <param name="IsTurned">Whether the first picture stands on the right.</param>
internal sealed record ShownPair(AskedPair Pair, PictureGroup Group, bool IsTurned)
{
    /// <summary>What a side means.</summary>
    public Preference Of(Side side) => side switch
    {
        Side.Neither => Preference.Neither,
        Side.Left => IsTurned ? Preference.Second : Preference.First,
        _ => IsTurned ? Preference.First : Preference.Second,
    };
}

/// <summary>What a voter chose.</summary>
internal enum Side
{
    /// <summary>The picture on the left.</summary>
    Left,

    /// <summary>That on the right.</summary>
    Right,

    /// <summary>Neither.</summary>
    Neither,
}

/// <summary>What somebody has to do now.</summary>
/// <param name="Shown">The pair to vote on; null where there is none for him.</param>
/// <param name="Done">Pairs of the group that need no vote more.</param>
/// <param name="Of">Pairs of the group; 0 where the run asks nothing now.</param>
/// <param name="Group">Which group it is of those that were asked about, from 1.</param>
/// <param name="CanUndo">Whether he has a vote to take back.</param>
internal sealed record Offer(ShownPair? Shown, int Done, int Of, int Group, bool CanUndo);

/// <summary>
/// The pairs that people are asked about now. The run opens a group and waits; voters, on threads of their own, are given pairs and vote. A vote counts when it is on the disk. A pair that was shown to
/// somebody is kept from others until its lease is over, and then belongs to who votes first.
/// </summary>
/// <param name="book">Where votes are kept.</param>
/// <param name="settings">How many votes, and how long a pair is one voter's.</param>
/// <param name="time">The clock of leases.</param>
internal sealed class Poll(VoteBook book, PreferenceHumanSettings settings, TimeProvider time)
{
    private readonly VoteBook _book = book;
    private readonly PreferenceHumanSettings _settings = settings;
    private readonly Lock _gate = new();
    private OpenGroup? _open;
    private int _groups;

    /// <summary>Asks about a group, until what is returned is disposed.</summary>
    /// <param name="group">The pictures.</param>
    /// <param name="pairs">Their pairs.</param>
    public OpenGroup Open(PictureGroup group, IReadOnlyList<AskedPair> pairs)
    {
        lock (_gate)
        {
            if (_open is not null) throw new InvalidOperationException("one group at a time");
            var open = new OpenGroup(this, group, [.. pairs.Select(pair => new OpenPair(pair, _book.Find(pair.Key)))]);
            if (open.Left > 0) _groups++;
            _open = open;
            open.Look();
            return open;
        }
    }

    /// <summary>The next pair of somebody: the one he was shown last, as long as it needs a vote.</summary>
    public Offer Next(string voter)
    {
        lock (_gate)
        {
            if (_open is not { Left: > 0 } open) return new Offer(null, 0, 0, _groups, false);
            var now = time.GetTimestamp();
            var wanting = open.Pairs.Where(pair => Wants(pair) && !pair.Votes.Has(voter)).ToList();
            var next = wanting.Find(pair => pair.Leases.ContainsKey(voter)) ?? wanting.Find(pair => pair.Votes.Votes.Count + Held(pair, voter, now) < _settings.Votes);
            // From the first time that he was shown it: a page that is left open keeps nothing from others for ever.
            next?.Leases.TryAdd(voter, now);
            return new Offer(next is null ? null : Shown(open, next.Pair, voter), open.Pairs.Count - open.Left, open.Pairs.Count, _groups, open.Cast.Any(cast => cast.Voter == voter));
        }
    }

    /// <summary>Takes a vote.</summary>
    /// <param name="voter">Who votes.</param>
    /// <param name="key">On which pair.</param>
    /// <param name="side">What he chose.</param>
    /// <returns>What became of it, and the fault of a disk that did not keep it.</returns>
    public (VoteOutcome Outcome, Fault? Fault) Vote(string voter, string key, Side side)
    {
        lock (_gate)
        {
            if (_open is not { IsOver: false } open || open.Pairs.FirstOrDefault(pair => pair.Pair.Key == key) is not { } asked) return (VoteOutcome.Unknown, null);
            if (!Wants(asked) || asked.Votes.Has(voter)) return (VoteOutcome.Late, null);
            var votes = asked.Votes.With(new Vote(voter, Shown(open, asked.Pair, voter).Of(side)));
            if (!_book.Keep(key, votes).TryGet(out _, out var fault)) return (VoteOutcome.NotKept, fault);
            asked.Votes = votes;
            asked.Leases.Remove(voter);
            open.Cast.Add((voter, asked));
            open.Look();
            return (VoteOutcome.Kept, null);
        }
    }

    /// <summary>Takes somebody's last vote on the group back.</summary>
    public (VoteOutcome Outcome, Fault? Fault) Undo(string voter)
    {
        lock (_gate)
        {
            if (_open is not { IsOver: false } open || open.Cast.FindLastIndex(cast => cast.Voter == voter) is not (>= 0 and var last)) return (VoteOutcome.Late, null);
            var pair = open.Cast[last].Pair;
            var votes = pair.Votes.Without(voter);
            if (!_book.Keep(pair.Pair.Key, votes).TryGet(out _, out var fault)) return (VoteOutcome.NotKept, fault);
            pair.Votes = votes;
            open.Cast.RemoveAt(last);
            // What he looks at now goes back, so that he is shown this one again.
            foreach (var other in open.Pairs) other.Leases.Remove(voter);
            pair.Leases[voter] = time.GetTimestamp();
            return (VoteOutcome.Kept, null);
        }
    }

    private bool Wants(OpenPair pair) => !pair.Votes.IsClosed && pair.Votes.Votes.Count < _settings.Votes;

    // How many others look at it.
    private int Held(OpenPair pair, string voter, long now) => pair.Leases.Count(lease => lease.Key != voter && time.GetElapsedTime(lease.Value, now).TotalSeconds < _settings.Lease);

    // Which side a picture is on is drawn for each pair and voter: who always takes the left one says nothing of pictures.
    private static ShownPair Shown(OpenGroup open, AskedPair pair, string voter) =>
        new(pair, open.Group, RandomKey.OfRun(0).For("preference-human").For("side").For(pair.Key).For(voter).Open().NextInt(0, 2) == 1);

    /// <summary>A pair that is asked about.</summary>
    internal sealed class OpenPair(AskedPair pair, PairVotes votes)
    {
        public AskedPair Pair => pair;

        public PairVotes Votes { get; set; } = votes;

        /// <summary>Who looks at it, and since when.</summary>
        public Dictionary<string, long> Leases { get; } = new(StringComparer.Ordinal);
    }

    /// <summary>A group that is asked about. The run has it.</summary>
    internal sealed class OpenGroup(Poll poll, PictureGroup group, IReadOnlyList<OpenPair> pairs) : IDisposable
    {
        private readonly ManualResetEventSlim _over = new();

        public PictureGroup Group => group;

        public IReadOnlyList<OpenPair> Pairs => pairs;

        /// <summary>The votes that were given while it was asked about, which can be taken back.</summary>
        public List<(string Voter, OpenPair Pair)> Cast { get; } = [];

        /// <summary>Pairs that need votes.</summary>
        public int Left => pairs.Count(poll.Wants);

        /// <summary>Votes that they need.</summary>
        public int VotesLeft => pairs.Where(poll.Wants).Sum(pair => poll._settings.Votes - pair.Votes.Votes.Count);

        /// <summary>Whether it waits for no more votes.</summary>
        public bool IsOver => _over.IsSet;

        /// <summary>Is over when no pair needs a vote.</summary>
        public void Look()
        {
            if (Left == 0) _over.Set();
        }

        /// <summary>Waits until no pair needs a vote, or somebody gave it up.</summary>
        /// <exception cref="OperationCanceledException">The run was asked to stop.</exception>
        public void Wait(CancellationToken stop) => _over.Wait(stop);

        /// <summary>Goes on without the votes that are missing, from now on and whenever these pictures come again.</summary>
        /// <returns>A fault when the disk cannot keep that.</returns>
        public Result<Unit> GiveUp()
        {
            lock (poll._gate)
            {
                foreach (var pair in pairs.Where(poll.Wants).ToList())
                {
                    var closed = pair.Votes with { IsClosed = true };
                    if (!poll._book.Keep(pair.Pair.Key, closed).TryGet(out _, out var fault)) return fault;
                    pair.Votes = closed;
                }
                _over.Set();
                return Unit.Value;
            }
        }

        /// <summary>Asks no more. What was voted stays.</summary>
        public void Dispose()
        {
            lock (poll._gate)
            {
                poll._open = null;
                _over.Dispose();
            }
        }
    }
}

/// <summary>What became of a vote.</summary>
internal enum VoteOutcome
{
    /// <summary>It is on the disk and counts.</summary>
    Kept,

    /// <summary>Nobody is asked about such a pair now.</summary>
    Unknown,

    /// <summary>He has voted on it, others did as often as is needed, or the run has gone on.</summary>
    Late,

    /// <summary>The disk refused.</summary>
    NotKept,
}
