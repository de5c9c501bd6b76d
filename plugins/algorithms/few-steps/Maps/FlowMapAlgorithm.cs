using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Contracts.Weights;
using LeapAlign.Methods.Maps;
using LeapAlign.Methods.Matching;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.FewSteps.Maps;

/// <summary>
/// A flow map that teaches itself (arXiv 2505.18825): flow matching where a jump has no length, and off that diagonal one of the conditions that make a mean velocity a flow map. Targets are the current weights', held
/// still. The states are those of the forward process, of the pictures that come with the prompts.
/// </summary>
/// <param name="settings">Times, and the condition.</param>
/// <param name="device">Where a learnt weight computes; the CPU when null.</param>
public sealed class FlowMapAlgorithm(FlowMapSettings settings, Device? device = null) : IAlgorithm, IDisposable
{
    private readonly JumpTimes _times = new(settings);
    private readonly JumpWeight? _weight = settings.Weight == MapWeight.Learned ? new JumpWeight(device ?? CPU) : null;
    private int _all = 1;

    /// <summary>Makes it, where the run computes precisely enough.</summary>
    /// <param name="id">For messages.</param>
    /// <param name="settings">Its settings.</param>
    /// <param name="context">That of the run.</param>
    /// <returns><see cref="FaultCodes.DifferencesInBFloat16"/> for a method that takes differences in a run in bf16.</returns>
    public static Result<FlowMapAlgorithm> Create(string id, FlowMapSettings settings, PartContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        return settings is FlowMapPsdSettings || context.ComputeType is ScalarType.Float32 or ScalarType.Float64
            ? new FlowMapAlgorithm(settings, context.Device)
            : new Fault.Composition(
                FaultCodes.DifferencesInBFloat16,
                $"'{id}' takes differences of the network in its times, and run.dtype is bfloat16, whose rounding is as large as they are; take float32, or the algorithm flow-map-psd or flow-map-trajectory",
                new SourcePlace("plugins.json", Key: "run.dtype"));
    }

    /// <inheritdoc/>
    public ParameterSet Parameters => _weight?.Parameters ?? ParameterSet.Empty;

    /// <inheritdoc/>
    public double? ParameterRate => settings.WeightRate;

    /// <inheritdoc/>
    public void Dispose() => _weight?.Dispose();

    /// <inheritdoc/>
    public Result<Unit> Check(RunShape shape)
    {
        ArgumentNullException.ThrowIfNull(shape);
        _all = shape.Batch * shape.Accumulation;
        return Unit.Value;
    }

    /// <inheritdoc/>
    public IEnumerable<Objective> Step(AlignmentStep step)
    {
        ArgumentNullException.ThrowIfNull(step);
        return Objectives(step);
    }

    private IEnumerable<Objective> Objectives(AlignmentStep step)
    {
        foreach (var batch in step.Batches)
        {
            var clean = Pictures(step, batch);
            var noise = step.Keep(batch.Normal("map").to(clean.dtype));
            var times = _times.Of(batch, _all);
            foreach (var onDiagonal in (bool[])[true, false])
            {
                var places = _times.Places(batch, _all, onDiagonal);
                if (places.Length == 0) continue;
                var part = new MapSamples(step, places.Length == batch.Samples.Count ? batch : Selected(step, batch, places), Rows(clean, places), Rows(noise, places), [.. places.Select(place => times[place])]);
                yield return (onDiagonal ? OnDiagonal(part) : Jumping(part)).Times((double)places.Length / batch.Samples.Count / step.Batches.Count).From(batch);
            }
        }
    }

    private Objective OnDiagonal(MapSamples part)
    {
        var errors = Errors(part).Diagonal(part.At());
        return Weighed(part, errors, [.. part.Times.Select(static time => (time.From, time.From))], "diagonal");
    }

    private Objective Jumping(MapSamples part)
    {
        (double, double)[] jumps = [.. part.Times.Select(static time => (time.From, time.To))];
        var (latents, errors) = (part.At().Latents, Errors(part));
        var residuals = settings switch
        {
            FlowMapPsdSettings psd => errors.Semigroup(latents, jumps, psd.Division == MapDivision.Half ? [0.5] : [.. part.Times.Select(static time => time.Share)]),
            FlowMapLsdSettings lsd => errors.Lagrangian(latents, jumps, asTarget: lsd.Derivative == MapDerivative.Target),
            _ => errors.Eulerian(latents, jumps),
        };
        return Weighed(part, residuals, jumps, "jumps");
    }

    // What is measured is the residual without its weight.
    private Objective Weighed(MapSamples part, Tensor residuals, (double, double)[] jumps, string name)
    {
        if (_weight is null) return new Objective(residuals.mean().to(part.Clean.dtype), new Measurement(name, residuals.detach()));
        var weight = _weight.Of(jumps).to(residuals.dtype);
        return new Objective(
            (((-weight).exp() * residuals) + weight).mean().to(part.Clean.dtype),
            new Measurement(name, residuals.detach()),
            new Measurement($"{name}_weight", (-weight).exp().detach()));
    }

    private MapErrors Errors(MapSamples part) => new(part.Batch.ConditionalMap)
    {
        Difference = settings switch
        {
            FlowMapLsdSettings lsd => lsd.Difference,
            FlowMapEsdSettings esd => esd.Difference,
            _ => MapErrors.Step,
        },
        Teacher = settings.Teacher switch
        {
            MapTeacher.Model => part.Batch.Taught,
            MapTeacher.Reference => part.First,
            _ => null,
        },
    };

    private static Tensor Pictures(AlignmentStep step, MicroBatch batch)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        return step.Keep(batch.Pictures(0).alias());
    }

    private static MicroBatch Selected(AlignmentStep step, MicroBatch batch, int[] places)
    {
        var selected = batch.Select(places);
        step.Keep(selected.Noise);
        return selected;
    }

    private static Tensor Rows(Tensor values, int[] places) => places.Length == values.shape[0] ? values : stack(places.Select(place => values.select(0, place)));

    /// <summary>Some samples of a micro-batch.</summary>
    private sealed record MapSamples(AlignmentStep Step, MicroBatch Batch, Tensor Clean, Tensor Noise, (double From, double To, double Share)[] Times)
    {
        public Tensor First(Tensor latents, IReadOnlyList<double> sigmas)
        {
            using var first = Step.Use(PolicyCopy.Reference);
            return Batch.Network(latents, sigmas);
        }

        public NoisedSamples At() => new(Clean, Noise, [.. Times.Select(static time => time.From)]);
    }
}
