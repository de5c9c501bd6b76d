using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Rewards;
using static TorchSharp.torch;

namespace LeapAlign.Testing;

/// <summary>A step of a test that has a network and a reward, one policy, and no pictures.</summary>
/// <param name="network">Under guidance and without, the same.</param>
/// <param name="score">Latents to rewards.</param>
public sealed class ScriptedStep(NetworkVelocity network, Func<Tensor, Scores> score) : IStepServices
{
    public Tensor Velocity(MicroBatch batch, Tensor latents, IReadOnlyList<double> sigmas, bool guided) => network(latents, sigmas);

    public Scores Score(MicroBatch batch, Tensor latents) => score(latents);

    public Tensor Pictures(MicroBatch batch, int number) => throw new NotSupportedException("the prompts of this test come without pictures");

    public IDisposable Use(string policy) => throw new NotSupportedException($"this test has no policy '{policy}'");

    public Tensor? Sampled(MicroBatch batch) => null;
}
