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
    public int Rank => 0;

    public int World => 1;

    public void Sum(IReadOnlyList<Tensor> tensors) => throw new NotSupportedException();

    public IReadOnlyList<Tensor> Gather(Tensor tensor) => throw new NotSupportedException();

    public void Broadcast(IReadOnlyList<Tensor> tensors) => throw new NotSupportedException();

    public void Barrier() => throw new NotSupportedException();
}
