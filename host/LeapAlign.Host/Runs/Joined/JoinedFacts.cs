using System.Globalization;
using LeapAlign.Host.Kernel;
using LeapAlign.Host.Kernel.Ranks;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Runs.Joined;

/// <summary>What the record of a run says of its processes: how many, what joins them, and how long each waited for the others.</summary>
/// <param name="ranks">The processes.</param>
/// <param name="share">What one of them does of a step.</param>
/// <param name="scorers">How many more score for them.</param>
internal sealed class JoinedFacts(RunRanks ranks, StepShare share, int scorers = 0) : IRunObserver
{
    private readonly double[] _waited = new double[ranks.World];
    private double _seconds;

    /// <summary>Who writes checkpoints, in words; null before that is known.</summary>
    public string? Writers { get; set; }

    /// <summary>The facts so far.</summary>
    public IReadOnlyDictionary<string, string> Facts
    {
        get
        {
            var facts = new Dictionary<string, string>
            {
                ["processes"] = $"{ranks.World}, joined by {ranks.Communicator.Description}",
                ["shards"] = string.Create(CultureInfo.InvariantCulture, $"{share.AllShards}, {share.Shards} in each process"),
            };
            if (scorers > 0) facts["processes that score"] = string.Create(CultureInfo.InvariantCulture, $"{scorers}, {(scorers == 1 ? $"rank {ranks.World}" : $"ranks {ranks.World} to {ranks.World + scorers - 1}")}");
            if (Writers is { } writers) facts["checkpoints"] = writers;
            if (_seconds > 0) facts["waited for others"] = string.Join(", ", _waited.Select((waited, rank) => string.Create(CultureInfo.InvariantCulture, $"rank {rank} {100 * waited / _seconds:0.0} %")));
            return facts;
        }
    }

    public Result<Unit> Stepped(StepReport report)
    {
        for (var rank = 0; rank < report.Waited.Count; rank++) _waited[rank] += report.Waited[rank];
        _seconds += report.Seconds;
        return Unit.Value;
    }
}
