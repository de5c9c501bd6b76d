using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Optimizers;
using LeapAlign.Contracts.Planning;

namespace LeapAlign.Host.Planning;

/// <summary>A part of the memory of a run.</summary>
/// <param name="Name">What it is for.</param>
/// <param name="Bytes">How much.</param>
internal sealed record MemoryTerm(string Name, double Bytes);

/// <summary>What is kept for every trained number, in bytes.</summary>
internal sealed record NumberCost
{
    /// <summary>The fp32 master, and the copy in the precision of the run.</summary>
    public required double Weight { get; init; }

    /// <summary>The gradient.</summary>
    public double Gradient { get; init; } = sizeof(float);

    /// <summary>What the optimizer keeps.</summary>
    public required double Optimizer { get; init; }

    /// <summary>The moving average.</summary>
    public required double Average { get; init; }

    /// <summary>Copies of the policy: the reference, and the algorithm's.</summary>
    public required double Copies { get; init; }

    /// <summary>The weights before an update that may be undone.</summary>
    public double Undone { get; init; }

    /// <summary>What a checkpoint copies before it is written beside the run.</summary>
    public double Snapshot => HasCheckpoints ? sizeof(float) + Optimizer + Average + Copies : 0;

    /// <summary>Whether the run takes checkpoints.</summary>
    public required bool HasCheckpoints { get; init; }

    /// <summary>Whether one is written while the next step is made: else only at the end, when the graph's memory is free.</summary>
    public bool WritesBesideSteps { get; init; }
}

/// <summary>
/// Time and memory of a step, from what its pieces take and from arithmetic. Evaluations that are differentiated together keep their graphs together; the backward runs
/// through the reward, the decoder and the blocks one after the other, and what each needs for a moment is free before the next.
/// </summary>
internal sealed record StepPlan
{
    /// <summary>What the method costs for each image.</summary>
    public required NetworkCost Cost { get; init; }

    /// <summary>What objectives beside the method's cost for each image; their evaluations are without guidance, and their graphs go before the next is made.</summary>
    public NetworkCost Beside { get; init; } = new(0, 0, 0);

    /// <summary>How often the optimizer has the step made.</summary>
    public StepPasses Passes { get; init; } = StepPasses.Once;

    /// <summary>Evaluations for each one of the method: 2 under guidance by branches.</summary>
    public double Branches { get; init; } = 1;

    /// <summary>Micro-batches of a step.</summary>
    public int MicroBatches { get; init; } = 1;

    /// <summary>Pieces of an evaluation of the network, for a micro-batch.</summary>
    public required IReadOnlyList<WorkCost> Network { get; init; }

    /// <summary>Pieces of a decoding.</summary>
    public required IReadOnlyList<WorkCost> Decoder { get; init; }

    /// <summary>The trained rewards.</summary>
    public required IReadOnlyList<WorkCost> Rewards { get; init; }

    /// <summary>Seconds of encoding a batch of captions that was not encoded before.</summary>
    public double Encode { get; init; }

    /// <summary>Seconds of an update.</summary>
    public double Update { get; init; }

    /// <summary>Numbers that are trained.</summary>
    public required double Trained { get; init; }

    /// <summary>What is kept for each of them.</summary>
    public required NumberCost Number { get; init; }

    /// <summary>Bytes of the program, of its parts, and of weights that are not trained and lie in memory.</summary>
    public required double Program { get; init; }

    /// <summary>Bytes of weights that lie in their files: the system takes their pages back when it needs them.</summary>
    public required double Mapped { get; init; }

    /// <summary>Weights of the model that settings can move between a device and the memory of its machine; they are among <see cref="Mapped"/>.</summary>
    public IReadOnlyList<PlacedWeights> Placed { get; init; } = [];

    /// <summary>Bytes of weights that are not trained and lie on the device.</summary>
    public double WeightsOnDevice => Math.Max(0, Mapped - Placed.Where(static weights => !weights.OnDevice).Sum(static weights => weights.Bytes));

    /// <summary>The same plan with some weights in the memory of the machine.</summary>
    /// <param name="setting">The setting that places them.</param>
    public StepPlan WithOnHost(string setting) => this with { Placed = [.. Placed.Select(weights => weights.Setting == setting ? weights with { OnDevice = false } : weights)] };

    /// <summary>Whether the allocator gives nothing back to the system (<see cref="Runtime.StartupTuning"/>): what comes and goes leaves pieces then that the next does not fit into.</summary>
    public bool KeepsPieces { get; init; }

    /// <summary>Whether pieces were run: else there are no seconds and no graph.</summary>
    public bool IsMeasured => Network.Count > 0;

    /// <summary>Seconds by stage, in a step whose captions were encoded before.</summary>
    public IReadOnlyList<(string Stage, double Seconds)> Times =>
    [
        .. Made,
        ("update", Update),
        .. Passes.Usual > 1 ? [("the step again (optimizer)", (Passes.Usual - 1) * Made.Sum(static time => time.Seconds))] : Array.Empty<(string, double)>(),
        .. Number.Undone > 0 ? [("the step again (guard.fallen)", Again)] : Array.Empty<(string, double)>(),
    ];

    // What is made once for each pass.
    private IReadOnlyList<(string Stage, double Seconds)> Made =>
    [
        ("evaluations without gradient", MicroBatches * Cost.Plain * Branches * Sum(Network, static piece => piece.Plain)),
        ("evaluations with gradient", MicroBatches * Cost.Gradient * Branches * Sum(Network, static piece => piece.Recorded)),
        ("decoding and rewards", MicroBatches * (IsDirect ? Cost.Decoded * (Sum(Decoder, static piece => piece.Recorded) + Sum(Rewards, Scored)) : Sum(Decoder, static piece => piece.Plain) + Sum(Rewards, static piece => piece.Plain))),
        ("backward", MicroBatches * ((Cost.Gradient * Branches * Sum(Network, static piece => piece.Backward)) + (Cost.Decoded * (Sum(Decoder, static piece => piece.Backward) + Sum(Rewards, static piece => piece.Backward))))),
        .. Beside.Plain + Beside.Gradient > 0
            ? [("objectives beside the algorithm's", MicroBatches * ((Beside.Plain * Sum(Network, static piece => piece.Plain)) + (Beside.Gradient * (Sum(Network, static piece => piece.Recorded) + Sum(Network, static piece => piece.Backward)))))]
            : Array.Empty<(string, double)>(),
    ];

    // With the graph that nothing goes back through.
    private double Again => MicroBatches * ((Branches * ((Cost.Plain * Sum(Network, static piece => piece.Plain)) + (Cost.Gradient * Sum(Network, static piece => piece.Recorded)))) + (Cost.Decoded * (Sum(Decoder, static piece => piece.Recorded) + Sum(Rewards, Scored))));

    /// <summary>Seconds of a step whose captions were encoded before.</summary>
    public double Seconds => Times.Sum(static time => time.Seconds);

    /// <summary>Memory by what it is for, without page cache.</summary>
    public IReadOnlyList<MemoryTerm> Memory =>
    [
        .. new MemoryTerm[]
        {
            new("program and weights in memory", Program),
            new("trained weights", Trained * Number.Weight),
            new("gradients", Trained * Number.Gradient),
            new("optimizer", Trained * Number.Optimizer),
            new("moving average", Trained * Number.Average),
            new("copies of the policy", Trained * Number.Copies),
            new("weights before an update", Trained * Number.Undone),
            new(SnapshotName, Snapshot),
            new("graph of evaluations", Graph),
            new("backward through rewards, decoder and blocks", Moment),
            new(PiecesName, Pieces),
        }.Where(static term => term.Bytes > 0),
    ];

    /// <summary>What a checkpoint copies.</summary>
    public const string SnapshotName = "snapshot of a checkpoint";

    /// <summary>What the allocator has in pieces, for each byte that comes and goes in a step.</summary>
    public const double PiecesShare = 0.37;

    /// <summary>What the allocator has in pieces that nothing fits into.</summary>
    public const string PiecesName = "kept by the allocator in pieces";

    /// <summary>Bytes at the peak, without page cache.</summary>
    public double Bytes => Memory.Sum(static term => term.Bytes);

    /// <summary>Bytes that a run needs before its first evaluation.</summary>
    public double State => Bytes - Graph - Moment - Snapshot - Pieces;

    /// <summary>Bytes at the peak on a device, weights included; checkpoints are copied to the memory of its machine, and its allocator is another.</summary>
    public double BytesOfDevice => WeightsOnDevice + Bytes - Snapshot - Pieces;

    /// <summary>Multiply-adds of a step: a backward does those of the forward once more for the inputs, for trained weights once more, and what is computed again once more.</summary>
    /// <param name="recomputes">Whether blocks are computed again.</param>
    /// <param name="trainsAll">Whether all weights are trained.</param>
    public double MultiplyAdds(bool recomputes, bool trainsAll)
    {
        var (network, rest) = (Sum(Network, static piece => piece.MultiplyAdds), Sum(Decoder, static piece => piece.MultiplyAdds) + Sum(Rewards, static piece => piece.MultiplyAdds));
        var again = recomputes ? 1 : 0;
        double Evaluated(NetworkCost cost) => cost.Plain + (cost.Gradient * (2 + again + (trainsAll ? 1 : 0)));
        return Passes.Usual * MicroBatches * ((network * ((Branches * Evaluated(Cost)) + Evaluated(Beside))) + (rest * (IsDirect ? Cost.Decoded * (2 + again) : 1)));
    }

    private double Snapshot => Number.WritesBesideSteps ? Trained * Number.Snapshot : Math.Max(0, (Trained * Number.Snapshot) - Graph - Moment);

    // Of four runs that were measured (docs/full-size.md).
    private double Pieces => KeepsPieces ? PiecesShare * (Graph + Moment) : 0;

    // A method with a direct gradient joins its evaluations in one graph; one that scores first has an objective, and a graph, for each.
    private bool IsDirect => Cost.Decoded > 0;

    private double Graph => Math.Max((IsDirect ? Cost.Gradient : Math.Min(1, Cost.Gradient)) * Branches, Beside.Gradient) * Network.Sum(static piece => piece.AllKept);

    private double Moment
    {
        get
        {
            var blocks = Largest(Network);
            if (!IsDirect) return Math.Max(blocks, Math.Max(Largest(Decoder), Largest(Rewards)));
            var (decoder, rewards) = (Decoder.Sum(static piece => piece.AllKept), Rewards.Sum(static piece => piece.AllKept));
            return Math.Max(Math.Max(decoder + rewards + Largest(Rewards), decoder + Largest(Decoder)), blocks);
        }
    }

    // A reward without a gradient is scored as it is.
    private static double Scored(WorkCost piece) => piece.Recorded > 0 ? piece.Recorded : piece.Plain;

    private static double Largest(IReadOnlyList<WorkCost> pieces) => pieces.Select(static piece => piece.Moment).DefaultIfEmpty().Max();

    private static double Sum(IReadOnlyList<WorkCost> pieces, Func<WorkCost, double> each) => pieces.Sum(piece => piece.All(each));
}
