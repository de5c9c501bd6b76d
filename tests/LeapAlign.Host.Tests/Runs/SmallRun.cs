using System.Text.Json.Nodes;
using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Optimizers;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Samplers;
using LeapAlign.Contracts.State;
using LeapAlign.Contracts.Weights;
using LeapAlign.Host.Commands;
using LeapAlign.Host.Composition;
using LeapAlign.Host.Configuration;
using LeapAlign.Host.Configuration.Sections;
using LeapAlign.Host.Runs;
using LeapAlign.Host.Runtime;
using LeapAlign.Host.Telemetry;
using LeapAlign.Pipeline;
using LeapAlign.Storage.Disks;
using Microsoft.Extensions.Logging.Abstractions;
using Spectre.Console;
using static TorchSharp.torch;

namespace LeapAlign.Host.Tests.Runs;

/// <summary><c>train</c> in this process, with a model of one number whose export a test defines.</summary>
internal sealed class SmallRun : IDisposable
{
    private readonly StringWriter _error = new();
    private readonly StringWriter _output = new();

    public string Folder { get; } = Directory.CreateTempSubdirectory("leapalign-small-").FullName;

    public string RunFolder => Path.Combine(Folder, "runs", "small");

    /// <summary>What was written to standard output.</summary>
    public string Output => _output.ToString();

    /// <summary>What was written to standard error.</summary>
    public string Error => _error.ToString();

    /// <summary>The check of the model.</summary>
    public Func<Result<long?>> Check { get; set; } = static () => Result.Ok<long?>(4);

    /// <summary>The export of the model.</summary>
    public Func<string, IReadOnlyList<Tensor>, Result<Unit>> Export { get; set; } = static (folder, _) =>
    {
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, "model"), "here");
        return Unit.Value;
    };

    /// <summary>The state of the algorithm.</summary>
    public Func<PartState> Save { get; set; } = static () => new PartState(1, []);

    /// <summary>The parts that were disposed, in order.</summary>
    public List<string> Disposed { get; } = [];

    /// <summary>What the optimizer does when it begins, which is in no stage of a step.</summary>
    public Action Begins { get; set; } = static () => { };

    /// <summary>What the algorithm does in a step, by its number.</summary>
    public Action<int> Step { get; set; } = static _ => { };

    public string Name { get; set; } = "small";

    public int Steps { get; set; } = 2;

    public CheckpointSettings Checkpoint { get; set; } = new();

    public bool Force { get; set; }

    /// <summary>Evaluations after so many steps, of black pictures; none at all where it is negative.</summary>
    public int Evaluates { get; set; } = -1;

    /// <summary>The captions.</summary>
    public IReadOnlyList<string> Texts { get; set; } = ["a caption"];

    /// <summary>What evaluations draw of latents.</summary>
    public Func<Tensor, Tensor> Decode { get; set; } = static latents => zeros(latents.shape[0], 3, 8, 8);

    /// <summary>What scores the pictures.</summary>
    public IReadOnlyList<RewardPlan> Rewards { get; set; } = [];

    /// <summary>What evaluations draw beside their pictures.</summary>
    public IReadOnlyList<PreviewSettings> Previews { get; set; } = [];

    /// <summary>The velocity of the model, which evaluations ask for once; null where they do not.</summary>
    public Func<Tensor, Tensor>? Velocity { get; set; }

    /// <summary>Guidance of training and, where it is said, of evaluations; how it reaches the model; and whether the algorithm learns it.</summary>
    public (double Training, double? Evaluation, GuidanceForm Form, bool IsLearned) Steering { get; set; } = (1, null, GuidanceForm.Branches, false);

    /// <summary>The guidance of each conditioning that was asked for, in order.</summary>
    public List<double> Steered { get; } = [];

    /// <summary>What the model was last asked to export.</summary>
    public ExportRequest? Exported { get; private set; }

    /// <summary>What the algorithm was last checked for.</summary>
    public RunShape? Shape { get; private set; }

    /// <summary>Where the run folder is.</summary>
    public IDisk Disk { get; set; } = SystemDisk.Instance;

    public JsonNode Record => JsonNode.Parse(File.ReadAllText(Path.Combine(RunFolder, "run.json")))!;

    public Result<Completion> Train(ResumeOptions? resume = null, CancellationToken stop = default)
    {
        using var telemetry = new RunTelemetry(Terminal(), NullLoggerFactory.Instance, TimeProvider.System);
        var source = new CompositionSource(Path.Combine(Folder, "plugins.json"), [], "train");
        return new Training(Terminal(), NullLoggerFactory.Instance, telemetry, TimeProvider.System, Disk)
            .Train(Plan(), new TrainOptions(Force, StartupTuning.Apply(tuning: false, threads: 1, TorchSharp.DeviceType.CPU), source) { Resume = resume }, stop);
    }

    public void Dispose()
    {
        _error.Dispose();
        _output.Dispose();
        Directory.Delete(Folder, recursive: true);
    }

    /// <summary><c>generate</c> with the captions of the plan, or with others.</summary>
    public Result<Completion> Generate(params IReadOnlyList<string> captions) => Generate(CancellationToken.None, captions);

    /// <summary>The same, which may be asked to stop.</summary>
    public Result<Completion> Generate(CancellationToken stop, params IReadOnlyList<string> captions) =>
        new Generation(Terminal(), NullLoggerFactory.Instance).Generate(Plan(), new GenerateOptions(captions, Path.Combine(Folder, "images"), 0, null, 1), stop);

    private Terminal Terminal() => new(AnsiConsole.Create(new AnsiConsoleSettings { Ansi = AnsiSupport.No, Interactive = InteractionSupport.No, Out = new AnsiConsoleOutput(_output) }), _error);

    private RunPlan Plan() => new()
    {
        Run = new RunSettings { Name = Name, Steps = Steps, Batch = 1, TensorBoard = false, Device = "cpu" },
        Evaluation = new EvaluationSettings { Every = Evaluates, Samples = Texts.Count, Previews = Previews, Guidance = Steering.Evaluation },
        Export = new ExportSettings(),
        Checkpoint = Checkpoint,
        Guidance = new Guidance(Steering.Training),
        Model = Part<IModel>(new Model(this)),
        Prompts = Part<IPromptSource>(new Captions(this)),
        Sampler = Part<ISampler>(new Still(this)),
        Algorithm = Steering.IsLearned ? Part<IAlgorithm>(new Scripted(this), Contracts.Plugins.Capabilities.GuidanceLearned) : Part<IAlgorithm>(new Scripted(this)),
        Optimizer = Part<IOptimizer>(new Descent(this)),
        Rewards = Rewards,
        BaseFolder = Folder,
        ResolvedJson = "{}",
    };

    private static PartPlan Part<T>(T part, params string[] provides)
        where T : class => new(PartDefinition.Of<T, ExportSettings>("small", HostJson.Export, (_, _) => part).Providing(provides), new ExportSettings(), "small", new SourcePlace("test"));

    private sealed class Model(SmallRun run) : IModel, IDisposable
    {
        private readonly Tensor _weight = ones(1, dtype: ScalarType.Float32).DetachFromDisposeScope().requires_grad_(true);

        public ParameterSet Parameters => new([new Parameter("weight", ParameterRole.Matrix, _weight)]);

        public FlowScheduling Scheduling { get; } = new();

        public ImageSize NativeSize { get; } = new(8, 8);

        public GuidanceForm GuidanceForm => run.Steering.Form;

        public Result<LatentSpace> Latents(ImageSize size) => new LatentSpace([1, 1, 1], 1);

        public Conditioning Encode(ConditioningRequest request)
        {
            run.Steered.Add(request.Guidance.Scale);
            return new Nothing();
        }

        public Tensor Velocity(Tensor latents, IReadOnlyList<double> sigmas, Conditioning conditioning) => run.Velocity?.Invoke(latents) ?? throw new NotSupportedException();

        public Tensor Decode(Tensor latents) => run.Evaluates < 0 ? throw new NotSupportedException() : run.Decode(latents);

        public Tensor Encode(Tensor images) => throw new NotSupportedException();

        public void Refresh()
        {
        }

        public IDisposable Use(Policy policy) => run.Evaluates < 0 ? throw new NotSupportedException() : NewDisposeScope();

        public Result<long?> CheckExport(ExportRequest export) => run.Check();

        public Result<Unit> Export(ExportRequest export)
        {
            run.Exported = export;
            return run.Export(export.Folder, export.Weights!);
        }

        public void Dispose()
        {
            run.Disposed.Add("model");
            _weight.Dispose();
        }
    }

    private sealed class Nothing : Conditioning
    {
        public override int BatchSize => 1;

        public override int EvaluationsPerVelocity => 1;

        protected override void Dispose(bool disposing)
        {
        }
    }

    private sealed class Captions(SmallRun run) : IPromptSource, IDisposable
    {
        public void Dispose() => run.Disposed.Add("prompts");

        public Result<IReadOnlyList<Prompt>> Read() => Result.Ok<IReadOnlyList<Prompt>>([.. run.Texts.Select(static (text, id) => new Prompt(id, text))]);
    }

    private sealed class Still(SmallRun run) : ISampler, IDisposable
    {
        public void Dispose() => run.Disposed.Add("sampler");

        public Schedule CreateSchedule(FlowScheduling scheduling, int? steps = null) => new([1, 0]);

        public Tensor Roll(Tensor latents, SamplingPath path)
        {
            if (run.Evaluates < 0) throw new NotSupportedException("no way");
            if (run.Velocity is not null) path.Velocity(latents, 0).Dispose();
            return latents.alias();
        }
    }

    private sealed class Scripted(SmallRun run) : IAlgorithm, IStateful
    {
        public int StateVersion => 1;

        public PartState Save() => run.Save();

        public Result<Unit> Load(PartState state) => Unit.Value;

        public Result<Unit> Check(RunShape shape)
        {
            run.Shape = shape;
            return Unit.Value;
        }

        public IEnumerable<Objective> Step(AlignmentStep step)
        {
            run.Step(step.Index);
            return [];
        }
    }

    private sealed class Descent(SmallRun run) : IOptimizer
    {
        public IOptimization Begin(ParameterSet parameters, double? rate = null)
        {
            run.Begins();
            return new Idle();
        }

        private sealed class Idle : IOptimization
        {
            public double Update(UpdateContext context) => 0;

            public void Dispose()
            {
            }
        }
    }
}
