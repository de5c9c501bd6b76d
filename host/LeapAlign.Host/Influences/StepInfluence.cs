using System.Globalization;
using System.Runtime.CompilerServices;
using LeapAlign.Host.Commands;
using LeapAlign.Host.Composition;
using LeapAlign.Host.Kernel;
using LeapAlign.Host.Kernel.Steps;
using LeapAlign.Host.Runs;
using LeapAlign.Host.Runs.Folders;
using LeapAlign.Pipeline;
using Spectre.Console;
using static TorchSharp.torch;
using Capabilities = LeapAlign.Contracts.Plugins.Capabilities;

namespace LeapAlign.Host.Influences;

/// <summary><c>influence</c>: a step of a run again, as <see cref="StepReplay"/> does it, before it once more for the gradient of each prompt, and after it a product with the inverse curvature for each of them.</summary>
internal sealed class StepInfluence(Terminal terminal, StepReplay replay)
{
    // What parts that are added up in another order differ by; in bfloat16 that is much.
    private const double Rounding = 0.02;

    // Kept out of line so that no stack slot holds a plugin type after it returns.
    /// <summary>Computes and writes. Nothing is written where the step differs from what was recorded.</summary>
    /// <param name="plan">The run, composed anew.</param>
    /// <param name="folder">Its folder, which is only read.</param>
    /// <param name="options">What the command line says.</param>
    /// <param name="stop">Ends it between steps.</param>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public Result<Completion> Of(RunPlan plan, RunFolder folder, InfluenceOptions options, CancellationToken stop) =>
        from known in Knows(plan)
        from files in options.Files.Select(OutputFile.CanBe).All()
        from found in Found(plan, folder, options.Step, stop)
        let sheet = new InfluenceSheet(options.Step, found)
        from json in OutputFile.Write(options.Json, sheet.ToJson, terminal)
        from csv in OutputFile.Write(options.Csv, sheet.ToCsv, terminal)
        let shown = options.TakesOutput ? Unit.Value : Show(sheet)
        select Completion.Whole;

    private static Result<Unit> Knows(RunPlan plan) => Requirements.Provides(plan.Optimizer).Bind(offers => offers.Contains(Capabilities.InverseCurvature, StringComparer.Ordinal)
        ? Unit.Value
        : Result.Fail<Unit>(new Fault.Composition(
            FaultCodes.RequirementNotMet,
            $"the influence of prompts is measured by the curvature of the optimizer, and '{plan.Optimizer.Name}' does not provide '{Capabilities.InverseCurvature}'; mfac does",
            plan.Optimizer.Place)));

    private Result<PromptInfluence> Found(RunPlan plan, RunFolder folder, int step, CancellationToken stop)
    {
        using var scope = NewDisposeScope();
        (TrainingStep Training, PromptsOfStep Prompts)? taken = null;
        PromptInfluence? found = null;
        Result<Unit> Look(RunSite site, StepReport report)
        {
            var (training, prompts) = taken!.Value;
            if (report.Updates == 0) return new Fault.Run(FaultCodes.NoInfluence, $"step {step} made no update: the guard left it out, or there was nothing to learn");
            return PromptInfluence.Of(prompts, training.Optimizations.Curvature!).Map(influence =>
            {
                if (influence.Off > Rounding) site.Warnings.Add(Misfit(influence.Off));
                found = influence;
                return Unit.Value;
            });
        }
        return replay.Again(plan, folder, (step, stop), new StepLook(training => taken = (training, training.Optimizations.OfPrompts(step - 1)), Look)).Map(_ => found!);
    }

    private static Fault.Run Misfit(double off) => new(
        FaultCodes.PromptsApart,
        string.Create(CultureInfo.InvariantCulture, $"the gradients of the prompts add up to another gradient than that of the step (off by {off:P0} of its length): the algorithm's loss is no mean over samples, or the arithmetic of the run (run.dtype) is coarse"));

    private Unit Show(InfluenceSheet sheet)
    {
        var table = terminal.Table(["prompt", "samples", "loss", "drive", "agreement", "helps", "harms"]);
        foreach (var (row, place) in sheet.Of.Rows.Select(static (row, place) => (row, place)).OrderByDescending(static each => each.row.Drive))
        {
            // Of the others: whose loss its own update lowers, and whose it raises.
            var others = Enumerable.Range(0, sheet.Of.Rows.Count).Where(other => other != place).Select(other => sheet.Of.Products[other][place]).ToArray();
            table.AddRow(new[]
            {
                row.Prompt.Text, row.Samples.ToString(CultureInfo.InvariantCulture), Number(row.Loss, "G4"), Number(row.Drive, "F3"), Number(row.Agreement, "F3"),
                Whole(others.Count(static product => product > 0)), Whole(others.Count(static product => product < 0)),
            }.Select(Terminal.Cell));
        }
        terminal.Console.Write(table);
        return Unit.Value;
    }

    private static string Number(double value, string form) => value.ToString(form, CultureInfo.InvariantCulture);

    private static string Whole(int value) => value.ToString(CultureInfo.InvariantCulture);
}
