using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Contracts.Weights;
using LeapAlign.Host.Kernel.Stages;
using LeapAlign.Host.Likelihoods;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Host.Tests.Likelihoods;

/// <summary>A model whose velocity is a function of states and noise level, with latents [2, 2, 3].</summary>
/// <param name="velocity">v of [1, 12].</param>
internal sealed class KnownFlow(Func<Tensor, double, Tensor> velocity) : IModel
{
    public const int Numbers = 12;

    /// <summary>Noise levels that it was evaluated at.</summary>
    public List<double> Levels { get; } = [];

    public ParameterSet Parameters => ParameterSet.Empty;

    public FlowScheduling Scheduling { get; } = new();

    public ImageSize NativeSize { get; } = new(8, 8);

    public GuidanceForm GuidanceForm => GuidanceForm.Branches;

    public static Schedule Even(int steps) => new(Enumerable.Range(0, steps + 1).Select(step => 1 - ((double)step / steps)));

    public FlowLikelihood Likelihood(int steps, FlowSolver solver, int products, params IReadOnlyList<DivergenceForm> forms) =>
        new(this, forms, new OpenStages()) { Schedule = Even(steps), Solver = solver, Products = products, Tile = 2 };

    public static SampledFlow Sample(long seed) => new("a.png", new Nothing(), RandomKey.OfRun(seed).For("probes"));

    public Result<LatentSpace> Latents(ImageSize size) => new LatentSpace([2, 2, 3], 3);

    public Conditioning Encode(ConditioningRequest request) => new Nothing();

    public Tensor Velocity(Tensor latents, IReadOnlyList<double> sigmas, Conditioning conditioning)
    {
        Levels.Add(sigmas[0]);
        return velocity(latents.flatten(1), sigmas[0]).view(latents.shape);
    }

    public Tensor Decode(Tensor latents) => throw new NotSupportedException();

    public Tensor Encode(Tensor images) => throw new NotSupportedException();

    public Result<Unit> Export(ExportRequest export) => throw new NotSupportedException();

    public void Refresh()
    {
    }

    public IDisposable Use(Policy policy) => throw new NotSupportedException();

    private sealed class Nothing : Conditioning
    {
        public override int BatchSize => 1;

        public override int EvaluationsPerVelocity => 1;

        protected override void Dispose(bool disposing)
        {
        }
    }
}
