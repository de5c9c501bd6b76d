using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Contracts.Ranks;
using LeapAlign.Contracts.Rewards;
using LeapAlign.Contracts.Samplers;
using LeapAlign.Contracts.Weights;
using LeapAlign.Host.Composition;
using LeapAlign.Host.Configuration;
using LeapAlign.Host.Configuration.Sections;
using LeapAlign.Host.Fitting;
using LeapAlign.Host.Fitting.Sites;
using LeapAlign.Host.Kernel.Pictures;
using LeapAlign.Host.Kernel.Ranks;
using LeapAlign.Host.Kernel.Rewards;
using LeapAlign.Host.Kernel.Stages;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Host.Tests.Fitting;

/// <summary>
/// A fit whose answers are known: a model that decodes by a matrix, a reward of its pictures that is a polynomial of another form for each caption, and a head that is the same polynomial of the latents.
/// </summary>
internal sealed class FitCase
{
    public const int Size = 4;
    private const int Numbers = 2 * 2 * 2;
    private const int Pixels = 3 * Size * Size;

    /// <summary>By what the head's score is multiplied: 1 is the reward itself.</summary>
    public float Sign { get; init; } = 1;

    /// <summary>The scores of the reward; null for the polynomial.</summary>
    public Func<Tensor, Tensor>? Flat { get; init; }

    /// <summary>What was learnt from, by call.</summary>
    public List<(Tensor Features, double[] Sigmas, Tensor Scores, FitSlopes? Slopes)> Learnt { get; } = [];

    /// <summary>The last layer that was put, where one was solved for.</summary>
    public (float[] Weights, double Intercept)? Layer { get; private set; }

    /// <summary>The pairs that were learnt from.</summary>
    public List<(Tensor Preferred, Tensor Rejected)> Pairs { get; } = [];

    public FitOptions Options { get; init; } = new("head") { From = "pixels", Pictures = 40, Updates = 20, Batch = 8, Slopes = 3, Sigmas = [0, 0.5], Seed = 3 };

    public static IReadOnlyList<Prompt> Captions { get; } = [.. Enumerable.Range(0, 12).Select(static id => new Prompt(id, $"caption {id}"))];

    public FitSamples Samples => new(new Model(), new ImageSize(Size, Size), new OpenStages()) { Sigmas = Options.Sigmas, Random = RandomKey.OfRun(1) };

    public RunReward Teacher => new(new RewardPlan(Part<IReward>(new Polynomial(Flat)), RewardRole.HeldOut, 1), new Polynomial(Flat), TorchSharp.torch.CPU);

    public IRewardFit Fit => new Head(this, new FitTargets("pixels", 0, 1, 0, 1, 1, RandomKey.OfRun(1)));

    /// <summary>The polynomial of latents, [B, n], for captions: that of their pictures.</summary>
    public static Tensor Score(Tensor latents, IEnumerable<long> captions) => OfPictures((latents.matmul(Decoder) * 0.1) + 0.5, captions);

    /// <summary>The gradient of that by hand, [B, n].</summary>
    public static Tensor Slope(Tensor latents, IEnumerable<long> captions) => (Weights(captions) + ((latents.matmul(Decoder) * 0.1) + 0.5)).matmul(Decoder.t()) * 0.1;

    public Result<FitOutcome> Run(IReadOnlyList<Prompt> prompts)
    {
        var (model, plan) = (new Model(), Plan());
        var pictures = PictureSpace.Of(model, model.NativeSize).Value();
        return new FitWork(plan, Options, (model, new Still(), pictures, CPU), new OpenStages(), static _ => { }).Run(new Fitted(this), Options.From is null ? null : Teacher, prompts, CancellationToken.None);
    }

    /// <summary>Fits as one of several sites.</summary>
    public Result<FitOutcome?> RunOver(IReadOnlyList<Prompt> prompts, RunRanks ranks, string graph = RankGraph.Ring, string? states = null, CancellationToken stop = default)
    {
        var (model, plan) = (new Model(), Plan());
        var pictures = PictureSpace.Of(model, model.NativeSize).Value();
        return new SiteFit(plan, Options, (model, pictures, CPU), ranks, new OpenStages(), Said.Add) { States = states }.Run(new Fitted(this), RankGraph.Of(graph, ranks.World).Value(), prompts, stop);
    }

    /// <summary>Lines of progress.</summary>
    public List<string> Said { get; } = [];

    /// <summary>The file that layers were taken from; null for none.</summary>
    public string? Continued { get; private set; }

    /// <summary>The model that decodes by a matrix; its latents are [B, 2, 2, 2].</summary>
    public static IModel Decoding => new Model();

    private static Tensor Decoder => RandomKey.OfRun(8).Normal([Numbers, Pixels], CPU);

    private static Tensor Weights(IEnumerable<long> captions) => stack(captions.Select(static id => RandomKey.OfRun(9).For("caption", id).Normal([Pixels], CPU) * 3));

    private static Tensor OfPictures(Tensor pictures, IEnumerable<long> captions) => ((pictures * Weights(captions)) + (pictures.square() / 2)).sum(1);

    private static RunPlan Plan() => new()
    {
        Run = new RunSettings { Batch = 5, Device = "cpu", Dtype = "float32" },
        Evaluation = new EvaluationSettings(),
        Export = new ExportSettings(),
        Guidance = Guidance.None,
        Model = Part<IModel>(new Model()),
        Prompts = Part<IModel>(new Model()),
        BaseFolder = "",
        ResolvedJson = "{}",
    };

    private static PartPlan Part<T>(T part)
        where T : class => new(PartDefinition.Of<T, ExportSettings>("small", HostJson.Export, (_, _) => part), new ExportSettings(), "pixels", new SourcePlace("prompts.jsonl"));

    private sealed class Polynomial(Func<Tensor, Tensor>? flat) : IDifferentiableReward
    {
        public Tensor Score(Tensor images, IReadOnlyList<Prompt> prompts) => flat?.Invoke(images) ?? OfPictures(images.flatten(1), prompts.Select(static prompt => (long)prompt.Id));
    }

    private sealed class Fitted(FitCase work) : IFittedReward
    {
        public string File => "head";

        public Tensor Score(LatentSamples samples) => throw new NotSupportedException();

        public Result<IRewardFit> BeginFit(IModel model, FitTargets targets) => work.Options.Ridge || work.Options.Over is not null ? new LayeredHead(work, targets) : new Head(work, targets);
    }

    // The latents go into its last layer.
    private sealed class LayeredHead(FitCase work, FitTargets targets) : Head(work, targets), IContinuedFit
    {
        private readonly FitCase _work = work;

        public Tensor LastInputs(Tensor features, IReadOnlyList<double> sigmas) => features.narrow(1, 0, Numbers);

        public Result<Unit> Continue(string file)
        {
            _work.Continued = file;
            return Unit.Value;
        }

        public void SetLastLayer(Tensor weights, double intercept) => _work.Layer = (weights.data<float>().ToArray(), intercept);
    }

    // Features are the latents, the caption and the noise level.
    private class Head(FitCase work, FitTargets targets) : IRewardFit
    {
        public Tensor Features(LatentSamples samples) => cat(
            [
                samples.Latents.flatten(1),
                tensor(samples.Prompts.Select(static prompt => (float)prompt.Id).ToArray()).unsqueeze(1),
                full([samples.Latents.shape[0], 1], (float)samples.Sigmas[0]),
            ],
            1);

        public Tensor Score(Tensor features, IReadOnlyList<double> sigmas) =>
            FitCase.Score(features.narrow(1, 0, Numbers), features.select(1, Numbers).detach().to(ScalarType.Int64).data<long>().ToArray()) * work.Sign;

        public double LearnScores(int update, Tensor features, IReadOnlyList<double> sigmas, Tensor scores, FitSlopes? slopes)
        {
            Assert.True(targets.Scale > 0);
            work.Learnt.Add((Kept(features), [.. sigmas], Kept(scores), slopes is null ? null : slopes with { Above = Kept(slopes.Above), Below = Kept(slopes.Below), Factors = Kept(slopes.Factors) }));
            return 1;
        }

        public double LearnPairs(int update, Tensor preferred, Tensor rejected, IReadOnlyList<double> sigmas)
        {
            work.Pairs.Add((Kept(preferred), Kept(rejected)));
            return 1;
        }

        public FittedFile ToFile(IReadOnlyDictionary<string, string> record) => new([], record);

        public void Dispose()
        {
        }

        private static Tensor Kept(Tensor value) => value.detach().clone().DetachFromDisposeScope();
    }

    private sealed class Still : ISampler
    {
        public Schedule CreateSchedule(FlowScheduling scheduling, int? steps = null) => new([1, 0]);

        public Tensor Roll(Tensor latents, SamplingPath path) => latents.alias();
    }

    private sealed class Model : IModel
    {
        public ParameterSet Parameters => ParameterSet.Empty;

        public FlowScheduling Scheduling { get; } = new();

        public ImageSize NativeSize { get; } = new(Size, Size);

        public GuidanceForm GuidanceForm => GuidanceForm.Branches;

        public Result<LatentSpace> Latents(ImageSize size) => new LatentSpace([2, 2, 2], 2);

        public Conditioning Encode(ConditioningRequest request) => new Nothing(request.Captions.Count);

        public Tensor Velocity(Tensor latents, IReadOnlyList<double> sigmas, Conditioning conditioning) => throw new NotSupportedException();

        public Tensor Decode(Tensor latents) => ((latents.flatten(1).matmul(Decoder) * 0.1) + 0.5).view(-1, 3, Size, Size);

        // How bright a picture is.
        public Tensor Encode(Tensor images) => images.mean([1, 2, 3], keepdim: true).expand(-1, 2, 2, 2);

        public Result<Unit> Export(ExportRequest export) => throw new NotSupportedException();

        public void Refresh()
        {
        }

        public IDisposable Use(Policy policy) => throw new NotSupportedException();
    }

    private sealed class Nothing(int count) : Conditioning
    {
        public override int BatchSize => count;

        public override int EvaluationsPerVelocity => 1;

        protected override void Dispose(bool disposing)
        {
        }
    }
}
