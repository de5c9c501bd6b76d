using System.Text.Json.Nodes;
using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.State;
using LeapAlign.Host.Checkpoints;
using LeapAlign.Host.Kernel.Guards;
using LeapAlign.Host.Kernel.State;
using LeapAlign.Pipeline;
using LeapAlign.Testing;
using static TorchSharp.torch;

namespace LeapAlign.Host.Tests.Checkpoints;

/// <summary>A run state of a few numbers, different for each step.</summary>
internal sealed class SmallCheckpoint : IDisposable
{
    public string Folder { get; } = MemoryFolder.Create("leapalign-checkpoints-");

    public CheckpointStore Store => new(Folder);

    public static CheckpointManifest Manifest(int step) => new RunIdentity(
        new JsonObject { ["run"] = new JsonObject { ["steps"] = 7 } }, new ProgramBuild("1", "2", 3), [new PluginBuild("sd3", "1", new string('a', 64))])
        .Manifest(Progress(step), DateTimeOffset.UnixEpoch);

    public static RunProgress Progress(int step) => new()
    {
        Done = step,
        Updates = step,
        EvaluatedAt = 0,
        Evaluations = step / 3.0,
        MetricsBytes = 100 * step,
        // A run whose first step found nothing to learn has no norm yet.
        Guard = step == 2 ? GuardState.Start : new GuardState([0.1, 1.0 / 3], 1),
        Best = new BestEvaluation(0, "judge", 0.1 + 0.2),
    };

    /// <summary>Tensors of two types and numbers that have no short decimal form.</summary>
    public static IReadOnlyDictionary<string, PartState> States(int step) => new Dictionary<string, PartState>
    {
        ["policy"] = new(1, [new NamedTensor("a", arange(5, dtype: ScalarType.Float32).add(step).div(3)), new NamedTensor("b", ones(2, 2, dtype: ScalarType.Float32).mul(step))]),
        ["optimizer"] = new(3, [new NamedTensor("count", tensor(new long[] { step, -step }))], new Dictionary<string, double> { ["third"] = step / 3.0 }),
        ["numbers"] = new(1, [], new Dictionary<string, double> { ["x"] = 1e-300, ["nan"] = double.NaN, ["infinity"] = double.NegativeInfinity }),
    };

    public void Write(int step) => Store.Write(Manifest(step), States(step)).Value();

    /// <summary>Whether a checkpoint gives back what was written for its step.</summary>
    public static void AssertWhole(Checkpoint checkpoint)
    {
        using var scope = NewDisposeScope();
        foreach (var (name, expected) in States(checkpoint.Step))
        {
            checkpoint.With(name, state =>
            {
                Assert.Equal(expected.Version, state.Version);
                Assert.Equal(expected.Numbers, state.Numbers);
                Assert.Equal(expected.Tensors.Select(static tensor => tensor.Name), state.Tensors.Select(static tensor => tensor.Name));
                Assert.All(expected.Tensors.Zip(state.Tensors), static pair => Assert.Equal(pair.First.Value.bytes.ToArray(), pair.Second.Value.bytes.ToArray()));
                return Result.Ok(Unit.Value);
            }).Value();
        }
        Assert.Equal(Progress(checkpoint.Step).Evaluations, checkpoint.Manifest.Progress.Evaluations);
        Assert.Equal(Progress(checkpoint.Step).Best, checkpoint.Manifest.Progress.Best);
        Assert.Equal(Progress(checkpoint.Step).Guard!.Norms, checkpoint.Manifest.Progress.Guard!.Norms);
    }

    public void Dispose() => Directory.Delete(Folder, recursive: true);
}
