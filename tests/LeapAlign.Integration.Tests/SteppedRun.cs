using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Optimizers;
using LeapAlign.Contracts.Ranks;
using LeapAlign.Contracts.Weights;
using LeapAlign.Host.Composition;
using LeapAlign.Host.Configuration.Sections;
using LeapAlign.Host.Kernel;
using LeapAlign.Host.Kernel.Ranks;
using LeapAlign.Host.Kernel.Stages;
using LeapAlign.Host.Kernel.Steps;
using LeapAlign.Pipeline;
using LeapAlign.Testing;
using static TorchSharp.torch;

namespace LeapAlign.Integration.Tests;

/// <summary>Steps of a plan, one after another.</summary>
internal sealed class SteppedRun : IDisposable
{
    public static readonly RunSettings Settings = new() { Steps = 4, Batch = 2, Accumulation = 2, ClipNorm = 1e9 };

    private int _index;

    public SteppedRun(RunPlan plan, ICommunicator? communicator = null)
    {
        Parts = Recording.Require(RunParts.Create(plan, InProcessRun.Context, new RunRanks(communicator ?? OneProcess.Instance)));
        try
        {
            Training = new TrainingStep(plan, Parts, new OpenStages(), CPU);
        }
        catch (FaultException)
        {
            Parts.Dispose();
            throw;
        }
    }

    public SteppedRun(Func<AlignmentStep, Tensor, IEnumerable<Objective>> script, IOptimizer optimizer, params string[] needs)
        : this(script, new Holder(), optimizer, (Settings, needs))
    {
    }

    public SteppedRun(Func<AlignmentStep, Tensor, IEnumerable<Objective>> script, Action<UpdateContext, ParameterSet> change, RunSettings settings)
        : this(script, new Holder(), new ScriptedOptimizer { Change = change }, (settings, []))
    {
    }

    public SteppedRun(Func<AlignmentStep, Tensor, IEnumerable<Objective>> script, Action<UpdateContext, ParameterSet> change, params string[] needs)
        : this(script, new ScriptedOptimizer { Change = change }, needs)
    {
    }

    private SteppedRun(Func<AlignmentStep, Tensor, IEnumerable<Objective>> script, Holder holder, IOptimizer optimizer, (RunSettings Settings, string[] Needs) run)
        : this(InProcessRun.Plan(run.Settings).With(ScriptedRun.Algorithm(step => script(step, holder.Run!.Weight), [])).With(optimizer, run.Needs)) => holder.Run = this;

    public RunParts Parts { get; }

    public TrainingStep Training { get; }

    public ParameterSet Parameters => Parts.Trained.Parameters;

    public Tensor Weight => Parameters.First(static parameter => parameter.Name == "proj_out.weight").Value;

    public StepReport Step() => Training.Run(_index++);

    public void Dispose()
    {
        Training.Dispose();
        Parts.Dispose();
    }

    private sealed class Holder
    {
        public SteppedRun? Run { get; set; }
    }
}
