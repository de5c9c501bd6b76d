using LeapAlign.Algorithms.FewSteps.Maps;
using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Pipeline;
using Microsoft.Extensions.Logging.Abstractions;
using TorchSharp;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.FewSteps.Tests;

/// <summary>What the methods of flow maps that teach themselves compute in a step.</summary>
public sealed class FlowMapTests : IDisposable
{
    private readonly DisposeScope _scope = NewDisposeScope();
    private readonly Tensor _a = tensor(0.7, dtype: float64).requires_grad_(), _b = tensor(-0.4, dtype: float64).requires_grad_();

    private FlowNetwork Network(int batches = 1, string[]? captions = null, int index = 0) => new()
    {
        Flow = static (x, sigma, asked) => GaussianFlow.Velocity(x, sigma) + (asked.Guided ? 0.3 : 0),
        Map = (x, s, t, asked) => (x * _a).tanh() + (s * _b) + (0.9 * s * t * t) + (asked.Guided ? 100 : 0),
        Teacher = static (x, sigma) => (0.2 * x) - sigma,
        Captions = captions ?? ["a", "b", "c", "d", "e", "f", "g", "h"],
        Batches = batches,
        Index = index,
    };

    private static double Scalar(double x, double s, double t) => Math.Tanh(0.7 * x) - (0.4 * s) + (0.9 * s * t * t);

    [Theory]
    [InlineData("flow-map-psd", "{}")]
    [InlineData("flow-map-psd", """{"division": "uniform", "diagonal": 0.5, "shift": 3}""")]
    [InlineData("flow-map-lsd", "{}")]
    [InlineData("flow-map-lsd", """{"derivative": "prediction"}""")]
    [InlineData("flow-map-esd", """{"diagonal": 0.25}""")]
    [InlineData("flow-map-psd", """{"teacher": "reference"}""")]
    [InlineData("flow-map-lsd", """{"teacher": "model"}""")]
    [InlineData("flow-map-esd", """{"teacher": "reference"}""")]
    public void The_loss_is_the_sum_of_both_parts_over_all_samples(string id, string json)
    {
        var network = Network(batches: 2);
        var objectives = network.Descend(Checked(id, json));
        var teacher = json.Contains("reference", StringComparison.Ordinal) ? MapTeacher.Reference : json.Contains("model", StringComparison.Ordinal) ? MapTeacher.Model : MapTeacher.None;
        var calls = network.Calls.Where(static call => call.Gradient && call.Ends.Length > 0).ToArray();
        // By plain formulas, from the states that the network was asked for.
        var expected = 0.0;
        HashSet<long> seen = [];
        foreach (var (call, place) in calls.SelectMany(static call => call.Samples.Select((_, place) => (call, place))))
        {
            var (sample, s, t) = (call.Samples[place], call.Sigmas[place], call.Ends[place]);
            // The outer ones of LSD's three are not residuals of their own.
            if (!seen.Add(sample)) continue;
            for (var d = 0; d < 2; d++)
            {
                var x = call.Latents[(2 * place) + d];
                var clean = network.Picture(sample)[d];
                var noise = (x - ((1 - s) * clean)) / s;
                double Velocity(double at, double sigma) => teacher switch
                {
                    MapTeacher.Reference => GaussianFlow.Velocity(at, sigma) + 0.3,
                    MapTeacher.Model => (0.2 * at) - sigma,
                    _ => Scalar(at, sigma, sigma),
                };
                var u = Scalar(x, s, t);
                double Residual()
                {
                    if (s == t) return u - (teacher == MapTeacher.None ? noise - clean : Velocity(x, s));
                    const double h = 0.01;
                    switch (id)
                    {
                        case "flow-map-psd":
                            var middle = network.Calls.Where(static other => !other.Gradient && other.Ends.Length > 0).Where(other => other.Samples.Contains(sample)).Select(other => (Call: other, Place: Array.IndexOf(other.Samples, sample)))
                                .First(other => Math.Abs(other.Call.Sigmas[other.Place] - s) < 1e-12);
                            var w = middle.Call.Ends[middle.Place];
                            if (!json.Contains("uniform", StringComparison.Ordinal)) Assert.Equal((s + t) / 2, w, 1e-12);
                            var first = Scalar(x, s, w);
                            var second = Scalar(x + ((w - s) * first), w, t);
                            return u - ((((w - s) * first) + ((t - w) * second)) / (t - s));
                        case "flow-map-lsd":
                            var slope = (Scalar(x, s, t + h) - Scalar(x, s, t - h)) / (2 * h);
                            return u + ((t - s) * slope) - Velocity(x + ((t - s) * u), t);
                        default:
                            var v = Velocity(x, s);
                            return u - (v + ((t - s) * (Scalar(x + (h * v), s + h, t) - Scalar(x - (h * v), s - h, t)) / (2 * h)));
                    }
                }

                // The formulas above know no ends of time.
                if (s == t || id == "flow-map-psd") Assert.InRange(s, 0, 1);
                var residual = Clear(s, t) ? Residual() : double.NaN;
                expected += residual * residual / 2 / 8;
            }
        }
        Assert.Equal(8, seen.Count);
        Assert.False(double.IsNaN(expected), "choose another seed: a time is at an end");
        Assert.Equal(expected, objectives.Sum(static objective => objective.Loss.item<double>() * objective.Share), 1e-9);
        Assert.True(Math.Abs(_a.grad!.item<double>()) > 1e-6);
        // The student is never guided, and only teachers are other policies.
        Assert.All(network.Calls.Where(static call => call.Ends.Length > 0), static call => Assert.Equal((FlowNetwork.Trained, false), (call.Policy, call.Guided)));
        Assert.All(network.Calls.Where(static call => call.Ends.Length == 0), call => Assert.Equal((teacher == MapTeacher.Reference ? PolicyCopy.Reference : "model", true, false), (call.Policy, call.Guided, call.Gradient)));
        Assert.Equal(teacher != MapTeacher.None, network.Calls.Any(static call => call.Ends.Length == 0));
    }

    [Theory]
    [InlineData("flow-map-psd")]
    [InlineData("flow-map-lsd")]
    [InlineData("flow-map-esd")]
    public void A_learnt_weight_begins_as_none_and_divides_residuals(string id)
    {
        double Loss(string json, double bias, out IReadOnlyList<double> slopes)
        {
            (_a.grad, _b.grad) = (null, null);
            var algorithm = Checked(id, json);
            using (no_grad())
            {
                foreach (var parameter in algorithm.Parameters.Where(static parameter => parameter.Name.EndsWith("bias", StringComparison.Ordinal))) parameter.Value.fill_(bias);
            }
            var loss = Network(batches: 2).Descend(algorithm).Sum(static objective => objective.Loss.item<double>() * objective.Share);
            slopes = [_a.grad!.item<double>(), _b.grad!.item<double>(), .. algorithm.Parameters.Skip(1).Select(static parameter => (double)parameter.Value.grad!.item<float>())];
            (algorithm as IDisposable)?.Dispose();
            return loss;
        }

        var plain = Loss("{}", 0, out var slopes);
        Assert.Equal(2, slopes.Count);
        const string learned = """{ "weight": "learned" }""";
        Assert.Equal(plain, Loss(learned, 0, out var first), 1e-12);
        // The derivative of e^-w l + w at w = 0, over all samples, is 1 - l.
        Assert.Equal([.. slopes, 1 - plain], first, static (left, right) => Math.Abs(left - right) < 1e-5);
        Assert.Equal((plain / 2) + Math.Log(2), Loss(learned, Math.Log(2), out var halved), 1e-6);
        Assert.Equal([slopes[0] / 2, slopes[1] / 2, 1 - (plain / 2)], halved, static (left, right) => Math.Abs(left - right) < 1e-5);
    }

    [Theory]
    [InlineData(0.75, 8, 6)]
    [InlineData(0.75, 1, 1)]
    [InlineData(0.0, 8, 0)]
    [InlineData(1.0, 8, 8)]
    [InlineData(0.29, 8, 2)]
    public void The_share_on_the_diagonal_is_that_of_the_whole_step_however_it_is_cut(double share, int samples, int expected)
    {
        var captions = Enumerable.Range(0, samples).Select(static sample => $"{sample}").ToArray();
        (long Sample, double From, double To, double X)[] Of(int batches)
        {
            var network = Network(batches, captions);
            network.Descend(Checked("flow-map-psd", FormattableString.Invariant($$"""{"diagonal": {{share}}}"""), samples / batches, batches), backward: share > 0);
            return [.. network.Calls.Where(static call => call.Gradient).SelectMany(static call => call.Samples.Select((sample, place) => (sample, call.Sigmas[place], call.Ends[place], call.Latents[2 * place]))).OrderBy(static call => call.sample)];
        }

        var whole = Of(1);
        Assert.Equal(samples, whole.Length);
        Assert.Equal(expected, whole.Count(static sample => sample.From == sample.To));
        Assert.All(whole, static sample => Assert.True(sample.From >= sample.To));
        Assert.Equal(whole, Of(samples));
    }

    [Fact]
    public void Times_are_uniform_the_noisier_first_and_shifted_together()
    {
        List<(double From, double To)> plain = [], shifted = [];
        for (var index = 0; index < 100; index++)
        {
            foreach (var (json, into) in new[] { ("""{"diagonal": 0}""", plain), ("""{"diagonal": 0, "shift": 3}""", shifted) })
            {
                var network = Network(index: index);
                network.Descend(Checked("flow-map-psd", json), backward: false);
                into.AddRange(network.Calls.Where(static call => call.Gradient).SelectMany(static call => call.Sigmas.Zip(call.Ends)));
            }
        }
        List<double> diagonal = [];
        for (var index = 0; index < 100; index++)
        {
            var network = Network(index: index);
            network.Descend(Checked("flow-map-psd", """{"diagonal": 1}"""), backward: false);
            diagonal.AddRange(network.Calls.Single(static call => call.Gradient).Sigmas);
        }
        for (var quarter = 0; quarter < 4; quarter++) Assert.Equal(0.25, diagonal.Count(sigma => (int)(sigma * 4) == quarter) / 800.0, 0.05);
        // The larger and the smaller of two uniform numbers.
        Assert.Equal(2.0 / 3, plain.Average(static time => time.From), 0.03);
        Assert.Equal(1.0 / 3, plain.Average(static time => time.To), 0.03);
        foreach (var (one, other) in plain.Zip(shifted))
        {
            Assert.Equal(3 * one.From / (1 + (2 * one.From)), other.From, 1e-12);
            Assert.Equal(3 * one.To / (1 + (2 * one.To)), other.To, 1e-12);
        }
    }

    [Theory]
    [InlineData("flow-map-psd", """{"diagonal": 0}""")]
    [InlineData("flow-map-psd", """{"diagonal": 0.5, "teacher": "reference"}""")]
    [InlineData("flow-map-lsd", """{"diagonal": 0.5}""")]
    [InlineData("flow-map-lsd", """{"diagonal": 0, "derivative": "prediction"}""")]
    [InlineData("flow-map-esd", """{"diagonal": 0.25, "teacher": "model"}""")]
    public void Evaluations_are_those_that_the_method_says_it_costs(string id, string json)
    {
        var network = Network();
        network.Descend(Checked(id, json), backward: false);
        var cost = Pairing.Part(id).Cost(Pairing.Part(id).ReadSettings(json), 4)!;
        double PerImage(bool gradient) => network.Calls.Where(call => call.Gradient == gradient).Sum(static call => call.Captions.Length) / 8.0;
        Assert.Equal((cost.Plain, cost.Gradient, 0.0), (PerImage(false), PerImage(true), cost.Decoded));
    }

    [Theory]
    [InlineData("flow-map-psd", "{}", false, Capabilities.FlowMap, Capabilities.Pictures)]
    [InlineData("flow-map-lsd", """{"teacher": "reference"}""", true, Capabilities.FlowMap, Capabilities.Pictures, Capabilities.ReferencePolicy)]
    [InlineData("flow-map-esd", """{"teacher": "model"}""", true, Capabilities.FlowMap, Capabilities.Pictures, Capabilities.Teacher)]
    public void Who_is_taught_with_guidance_draws_without(string id, string json, bool learned, params string[] required)
    {
        var (part, settings) = (Pairing.Part(id), Pairing.Part(id).ReadSettings(json));
        Assert.Equal(required, part.Requires(settings));
        Assert.Equal(learned, part.Provides(settings).Contains(Capabilities.GuidanceLearned));
    }

    [Theory]
    [InlineData("flow-map-psd", true)]
    [InlineData("flow-map-lsd", false)]
    [InlineData("flow-map-esd", false)]
    public void Differences_are_refused_in_bf16(string id, bool made)
    {
        var fault = Make(id, "{}", ScalarType.BFloat16).Match<Fault?>(static _ => null, static fault => fault);
        Assert.Equal(made, fault is null);
        if (fault is null) return;
        Assert.Equal((FaultCodes.DifferencesInBFloat16, "run.dtype"), (fault.Code, fault.Place?.Key));
        Assert.Contains("flow-map-psd", fault.Message, StringComparison.Ordinal);
    }

    public void Dispose() => _scope.Dispose();

    private static bool Clear(double s, double t) => s == t || (t > 0.01 && t < 0.99 && s > 0.01 && s < 0.99);

    private static IAlgorithm Checked(string id, string json, int batch = 8, int accumulation = 1)
    {
        var algorithm = (IAlgorithm)Testing.Recording.Require(Make(id, json, ScalarType.Float32));
        Testing.Recording.Require(algorithm.Check(new RunShape(new Schedule([1, 0.5, 0]), batch, accumulation)));
        return algorithm;
    }

    private static Result<object> Make(string id, string json, ScalarType type) => Pairing.Part(id).Create(Pairing.Part(id).ReadSettings(json), new PartContext
    {
        Name = id,
        BaseFolder = "/",
        Device = CPU,
        ComputeType = type,
        Logger = NullLogger.Instance,
        Warn = static _ => { },
    });
}
