using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Rewards;
using LeapAlign.Contracts.State;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace TestPlugins.Unruly;

/// <summary>The brightness of a picture against the running mean of all pictures so far: a reward that has to remember.</summary>
public sealed class Counting : IDifferentiableReward, IStateful, IDisposable
{
    private readonly Tensor _mean = zeros(1).DetachFromDisposeScope();
    private int _batches;

    public int StateVersion => 1;

    public Tensor Score(Tensor images, IReadOnlyList<Prompt> prompts)
    {
        using var scope = NewDisposeScope();
        var brightness = images.mean([1, 2, 3]);
        var score = brightness - _mean;
        using (no_grad()) _mean.mul_(_batches).add_(brightness.detach().mean()).div_(_batches + 1);
        _batches++;
        return score.MoveToOuterDisposeScope();
    }

    public PartState Save() => new(StateVersion, [new NamedTensor("mean", _mean)], new Dictionary<string, double> { ["batches"] = _batches });

    public Result<Unit> Load(PartState state) =>
        from mean in state.CopyTo("mean", _mean)
        from batches in state.Number("batches")
        select Resume((int)batches);

    public void Dispose() => _mean.Dispose();

    private Unit Resume(int batches)
    {
        _batches = batches;
        return Unit.Value;
    }
}
