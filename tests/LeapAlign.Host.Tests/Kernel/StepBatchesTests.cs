using LeapAlign.Contracts.Adapters;
using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Optimizers;
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
using LeapAlign.Host.Kernel;
using LeapAlign.Host.Kernel.Ranks;
using LeapAlign.Host.Kernel.Stages;
using LeapAlign.Host.Kernel.Steps;
using LeapAlign.Pipeline;
using Microsoft.Extensions.Logging.Abstractions;
using static TorchSharp.torch;

namespace LeapAlign.Host.Tests.Kernel;

/// <summary>What a micro-batch of a process is, and what is asked for it: samples, keys, levels, guidance, adapters, teachers, weights of rewards.</summary>
public sealed class StepBatchesTests : IDisposable
{
    private static readonly RandomKey s_run = RandomKey.OfRun(5);

    private readonly IDisposable _scope = NewDisposeScope();
    private readonly List<IDisposable> _made = [];
    private readonly OpenStages _stages = new();

    public void Dispose()
    {
        for (var i = _made.Count - 1; i >= 0; i--) _made[i].Dispose();
        _scope.Dispose();
    }

    [Fact]
    public void The_second_of_two_processes_has_the_second_half_of_the_step()
    {
        var (step, alone) = (Of(new Recorded(), run: s => s with { Shards = 4 }, ranks: new SecondOfTwo()).Of(3, Nobody), Of(new Recorded(), run: s => s with { Shards = 4 }).Of(3, Nobody));
        Assert.Equal(4, alone.Shards);
        Assert.Equal(2, step.Shards);
        Assert.Equal([0, 1], step.Batches.Select(static batch => batch.Index));
        Assert.Equal([[4, 5], [6, 7]], step.Batches.Select(static batch => batch.Samples));
        foreach (var (own, whole) in step.Batches.Zip(alone.Batches.Skip(2)))
        {
            Assert.Equal(whole.Samples, own.Samples);
            Assert.Equal(whole.Prompts, own.Prompts);
            Same(whole.Noise, own.Noise);
            Assert.Equal($"{whole.Random}", $"{own.Random}");
        }
        Assert.Equal($"{alone.Random}", $"{step.Random}");
    }

    [Fact]
    public void Draws_are_keyed_by_the_step_its_samples_and_its_micro_batches()
    {
        using var batches = Of(new Recorded());
        var step = batches.Of(3, Nobody);
        var key = s_run.For("step", 3);
        Assert.Equal($"{key.For("algorithm")}", $"{step.Random}");
        foreach (var (number, batch) in step.Batches.Index())
        {
            Assert.Equal($"{key.For("micro-batch", number).For("algorithm")}", $"{batch.Random}");
            Assert.Equal($"{key}", $"{batch.StepKey}");
            foreach (var (place, sample) in batch.Samples.Index()) Same(key.For("sample", sample).For("noise").Normal([1, 2, 2], CPU), batch.Noise[place]);
        }
        Assert.Equal($"{key.For("reward").For("judge")}", $"{batches.KeyOf(3, "judge")}");
    }

    [Fact]
    public void Another_draw_has_prompts_and_noise_of_its_own_and_the_same_each_time()
    {
        using var batches = Of(new Recorded());
        string Prompts(int draw, int index = 0) => string.Join(' ', batches.Of(index, Nobody, draw).Batches.SelectMany(static batch => batch.Prompts).Select(static prompt => prompt.Text));
        Assert.Equal(4, Enumerable.Range(0, 4).Select(draw => Prompts(draw)).Distinct().Count());
        Assert.Equal(Prompts(2), Prompts(2));
        var (first, second) = (batches.Of(1, Nobody), batches.Of(1, Nobody, 1));
        Assert.False(first.Batches[0].Noise.equal(second.Batches[0].Noise).all().item<bool>());
        Assert.Equal($"{s_run.For("step", 1).For("draw", 1).For("algorithm")}", $"{second.Random}");
    }

    // An embedded scale is an input that the network was trained with; a second branch is left out.
    [Theory]
    [InlineData(GuidanceForm.Branches, "1")]
    [InlineData(GuidanceForm.Embedded, "3")]
    public void A_velocity_without_guidance_leaves_a_branch_out_and_keeps_an_embedded_scale(GuidanceForm form, string scale)
    {
        var model = new Recorded { GuidanceForm = form };
        var batch = Of(model).Of(0, Nobody).Batches[0];
        var captions = string.Join(' ', batch.Prompts.Select(static prompt => prompt.Text));
        using (no_grad()) batch.Network(batch.Noise, [0.5]);
        batch.Conditional(batch.Noise, [0.5, 0.25]);
        batch.Map(batch.Noise, [(0.5, 0.25)]);
        using (no_grad()) batch.ConditionalMap(batch.Noise, [(0.5, 0.25), (0.25, 0)]);
        Assert.Equal(
            [$"{captions} 3 8 x 8: 0.5 False", $"{captions} {scale} 8 x 8: 0.5 0.25 True", $"{captions} 3 8 x 8: 0.5 0.25 True", $"{captions} {scale} 8 x 8: 0.5 0.25 0.25 0 False"],
            model.Asked);
        // A network that takes the scale has one branch whatever it is asked; this one counts two above 1.
        var unguided = scale == "1" ? 1 : 2;
        Assert.Equal((4 + (2 * unguided), 2 + unguided), _stages.Ledger.Count);
    }

    [Fact]
    public void Samples_that_wear_adapters_have_their_own_captions_levels_and_share_of_the_count()
    {
        var model = new Recorded();
        var batch = Of(model, adapter: true, run: s => s with { Batch = 4, Accumulation = 1 }).Of(0, Nobody).Batches[0];
        string Text(int place) => batch.Prompts[place].Text;
        batch.Wearing([[], ["ink"], [], ["ink"]]).Network(batch.Noise, [0.1, 0.2, 0.3, 0.4]);
        batch.Wearing([[], ["ink"], [], []]).ConditionalMap(batch.Noise, [(0.5, 0.25)]);
        batch.Wearing([["ink"], ["ink"], ["ink"], ["ink"]]).Network(batch.Noise, [0.1, 0.2, 0.3, 0.4]);
        var all = string.Join(' ', batch.Prompts.Select(static prompt => prompt.Text));
        Assert.Equal(
            [
                $"{Text(0)} {Text(2)} 3 8 x 8: 0.1 0.3 True", $"{Text(1)} {Text(3)} 3 8 x 8: 0.2 0.4 True ink", $"{Text(0)} {Text(2)} {Text(3)} 1 8 x 8: 0.5 0.25 True", $"{Text(1)} 1 8 x 8: 0.5 0.25 True ink",
                $"{all} 3 8 x 8: 0.1 0.2 0.3 0.4 True ink",
            ],
            model.Asked);
        Assert.Equal(2 + 1 + 2, _stages.Ledger.Evaluations, 1e-12);
    }

    [Fact]
    public void What_is_not_finite_is_noted_of_model_and_teacher()
    {
        foreach (var (words, ask) in new (string, Action<MicroBatch>)[]
        {
            ("velocity", static batch => batch.Network(batch.Noise, [0.5])),
            ("velocity", static batch => batch.Map(batch.Noise, [(0.5, 0)])),
            ("the teacher's velocity", static batch => batch.Taught(batch.Noise, [0.5])),
        })
        {
            using var batches = Of(new Recorded { Value = double.NaN }, taught: true);
            ask(batches.Of(0, Nobody).Batches[1]);
            Assert.Contains(words, batches.Watch.FirstNoted(), StringComparison.Ordinal);
            Assert.Contains("0.5", batches.Watch.FirstNoted(), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Scores_are_told_of_their_micro_batch_and_weights_that_were_put_aside_come_back()
    {
        using var batches = Of(new Recorded());
        List<string> told = [];
        var step = batches.Of(0, (batch, name, _) => told.Add($"{batch} {name}"));
        string Weights() => string.Join(' ', step.Batches[1].Score(step.Batches[1].Noise).Columns.Select(static column => FormattableString.Invariant($"{column.Name} {column.Weight}")));
        Assert.Equal("a 1 b 2", Weights());
        Assert.Equal(["1 a", "1 b"], told);
        using (batches.Weigh(new Dictionary<string, double> { ["a"] = 5 }))
        {
            Assert.Equal("a 5 b 0", Weights());
            using (batches.Weigh(new Dictionary<string, double> { ["b"] = 7 })) Assert.Equal("a 0 b 7", Weights());
            Assert.Equal("a 5 b 0", Weights());
        }
        Assert.Equal("a 1 b 2", Weights());
        Assert.Null(batches.Weigh(null));
    }

    [Fact]
    public void Captions_are_shown_without_guidance()
    {
        var model = new Recorded();
        // This model's embedding is the scale that it was asked with.
        Assert.Equal(1, Of(model).Of(0, Nobody).Batches[0].Captions().item<float>());
    }

    private static void Nobody(int batch, string name, Tensor scores)
    {
    }

    private static void Same(Tensor expected, Tensor actual) => Assert.True(expected.equal(actual).all().item<bool>(), $"{expected - actual}");

    private StepBatches Of(Recorded model, Func<RunSettings, RunSettings>? run = null, ICommunicator? ranks = null, bool adapter = false, bool taught = false)
    {
        var settings = new RunSettings { Seed = 5, Steps = 9, Batch = 2, Accumulation = 4 };
        var plan = new RunPlan
        {
            Run = (run ?? (static same => same))(settings),
            Evaluation = new EvaluationSettings { Every = -1 },
            Export = new ExportSettings(),
            Guidance = new Guidance(3),
            Model = Part<IModel>("model", model),
            Adapter = adapter ? Part<IAdapter>("adapter", new Attaching(model)) : null,
            Teacher = taught ? Part<IModel>("teacher", model) : null,
            Prompts = Part<IPromptSource>("prompts", new Letters()),
            Sampler = Part<ISampler>("sampler", new Still()),
            Algorithm = Part<IAlgorithm>("algorithm", new Nothing()),
            Optimizer = Part<IOptimizer>("optimizer", new Nothing()),
            Rewards = [new RewardPlan(Part<IReward>("a", new Nothing()), RewardRole.Train, 1), new RewardPlan(Part<IReward>("b", new Nothing()), RewardRole.Train, 2)],
            BaseFolder = ".",
            ResolvedJson = "{}",
        };
        var parts = RunParts.Create(plan, static part => new PartContext { Name = part.Name, BaseFolder = ".", Device = CPU, ComputeType = ScalarType.Float32, Logger = NullLogger.Instance, Warn = static _ => { } }, ranks is null ? null : new RunRanks(ranks)).Value();
        _made.Add(parts);
        var copies = new PolicyCopies(parts.Trained, [], reference: false, 9);
        _made.Add(copies);
        var batches = new StepBatches(plan, parts, copies, _stages, CPU);
        _made.Add(batches);
        return batches;
    }

    private static PartPlan Part<T>(string name, T part)
        where T : class => new(PartDefinition.Of<T, ExportSettings>(name, HostJson.Export, (_, _) => part), new ExportSettings(), name, new SourcePlace("test"));

    private sealed class Attaching(Recorded model) : IAdapter
    {
        public Result<IAttachedAdapter> Attach(IReadOnlyList<AdapterSite> sites, RandomKey random) => model;
    }

    private sealed class Letters : IPromptSource
    {
        public Result<IReadOnlyList<Prompt>> Read() => Result.Ok<IReadOnlyList<Prompt>>([.. Enumerable.Range(0, 11).Select(static id => new Prompt(id, $"{(char)('a' + id)}"))]);
    }

    private sealed class Still : ISampler
    {
        public Schedule CreateSchedule(FlowScheduling scheduling, int? steps = null) => new([1, 0.5, 0]);

        public Tensor Roll(Tensor latents, SamplingPath path) => throw new NotSupportedException();
    }

    private sealed class Nothing : IAlgorithm, IOptimizer, IReward
    {
        public IEnumerable<Objective> Step(AlignmentStep step) => [];

        public IOptimization Begin(ParameterSet parameters, double? rate = null) => throw new NotSupportedException();

        public Tensor Score(Tensor images, IReadOnlyList<Prompt> prompts) => images.mean([1L, 2, 3]);
    }

    private sealed class SecondOfTwo : ICommunicator
    {
        public string Description => "the second of two";

        public int Rank => 1;

        public int World => 2;

        public int LocalRank => 1;

        public int LocalWorld => 2;

        public void Exchange(Tensor from, Tensor into) => throw new NotSupportedException();

        public void Gather(Tensor from, Tensor into) => throw new NotSupportedException();

        public void Broadcast(Tensor tensor, int root) => throw new NotSupportedException();

        public void Abort(int exitCode) => throw new NotSupportedException();
    }
}
