using LeapAlign.Contracts.Adapters;
using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Objectives;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Contracts.Ranks;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace TestPlugins.Parts;

public sealed class Narrow : IAdapter
{
    public Result<IAttachedAdapter> Attach(IReadOnlyList<AdapterSite> sites, RandomKey random) => throw new NotSupportedException();
}

public sealed class Anchor : IObjective
{
    public Objective Of(AlignmentStep step, MicroBatch batch, int update) => throw new NotSupportedException();
}

public sealed class Alone : ICommunicator
{
    public string Description => "alone";

    public int Rank => 0;

    public int World => 1;

    public int LocalRank => 0;

    public int LocalWorld => 1;

    public void Exchange(Tensor from, Tensor into) => throw new NotSupportedException();

    public void Gather(Tensor from, Tensor into) => throw new NotSupportedException();

    public void Broadcast(Tensor tensor, int root) => throw new NotSupportedException();

    public void Swap(int other, Tensor from, Tensor into) => throw new NotSupportedException();

    public void Abort(int exitCode) => throw new NotSupportedException();
}
