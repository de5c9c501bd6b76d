using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Objectives;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Ranks;
using LeapAlign.Contracts.Rewards;
using LeapAlign.Host.Configuration.Sections;
using LeapAlign.Host.Kernel;
using LeapAlign.Host.Kernel.Ranks;
using LeapAlign.Host.Kernel.Stages;
using LeapAlign.Host.Kernel.State;
using LeapAlign.Host.Kernel.Steps;
using LeapAlign.Pipeline;
using LeapAlign.Testing;
using static TorchSharp.torch;

namespace LeapAlign.Integration.Tests;

/// <summary>One kernel step after another under an algorithm that a test scripts; it is handed the first trained weight.</summary>
internal sealed class ScriptedRun : IDisposable
{
    private readonly RunParts _parts;
    private readonly TrainingStep _step;
    private int _index;

    public ScriptedRun(
        RunSettings settings,
        Func<AlignmentStep, Tensor, IEnumerable<Objective>> script,
        PolicyCopy[]? copies = null,
        (string, double, double, double, IReward)[]? rewards = null,
        GuardSettings? guard = null,
        ICommunicator? communicator = null,
        (string, double, IObjective)[]? objectives = null)
    {
        var plan = InProcessRun.Plan(settings).With(Algorithm(step => script(step, Weight), copies ?? []));
        if (rewards is not null) plan = plan.With(rewards);
        if (guard is not null) plan = plan with { Guard = guard };
        if (objectives is not null) plan = plan.With(objectives);
        _parts = Recording.Require(RunParts.Create(plan, InProcessRun.Context, new RunRanks(communicator ?? OneProcess.Instance)));
        _step = new TrainingStep(plan, _parts, new OpenStages(), CPU) { Refused = (fault, _) => Refused.Add(fault) };
    }

    public Tensor Weight => Named("proj_out.weight");

    /// <summary>The moving average of <see cref="Weight"/>.</summary>
    public Tensor Average => _step.Average.Policy.Values[Names.ToList().IndexOf("proj_out.weight")];

    /// <summary>What the guard refused.</summary>
    public List<Fault> Refused { get; } = [];

    /// <summary>The names of all trained weights, in order.</summary>
    public IReadOnlyList<string> Names => [.. _parts.Model.Parameters.Select(static parameter => parameter.Name)];

    public Tensor Named(string name) => _parts.Model.Parameters.First(parameter => parameter.Name == name).Value;

    public StepReport Step() => _step.Run(_index++);

    /// <summary>The states that a checkpoint holds.</summary>
    public IEnumerable<string> States => _step.States.Select(static state => state.Name);

    /// <summary>Goes on from the states of another run, as from its checkpoint.</summary>
    public void Resume(ScriptedRun other)
    {
        foreach (var ((name, saved), (same, state)) in other._step.States.Zip(_step.States))
        {
            Assert.Equal(name, same);
            Recording.Require(state.Load(saved.Save()));
        }
        _step.Resume(new RunProgress { Done = other._index, Updates = other._step.Updates, Guard = other._step.Guard.State });
        _index = other._index;
    }

    public void Dispose()
    {
        _step.Dispose();
        _parts.Dispose();
    }

    /// <summary>An algorithm that a test scripts.</summary>
    public static IAlgorithm Algorithm(Func<AlignmentStep, IEnumerable<Objective>> script, IReadOnlyList<PolicyCopy> copies) => new Scripted(script, copies);

    private sealed class Scripted(Func<AlignmentStep, IEnumerable<Objective>> script, IReadOnlyList<PolicyCopy> copies) : IAlgorithm
    {
        public IReadOnlyList<PolicyCopy> Copies => copies;

        public IEnumerable<Objective> Step(AlignmentStep step) => script(step);
    }

    /// <summary>A reward that gives one score to everything.</summary>
    internal sealed class Constant(float value) : IReward
    {
        public Tensor Score(Tensor images, IReadOnlyList<Prompt> prompts) => full([prompts.Count], value, dtype: float32);
    }

    /// <summary>A reward that a test scripts.</summary>
    internal sealed class Scorer(Func<Tensor, IReadOnlyList<Prompt>, Tensor?> score) : IReward
    {
        public Tensor Score(Tensor images, IReadOnlyList<Prompt> prompts) => score(images, prompts)!;
    }
}
