using System.Globalization;
using System.Runtime.CompilerServices;
using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Samplers;
using LeapAlign.Host.Commands;
using LeapAlign.Host.Composition;
using LeapAlign.Host.Kernel;
using LeapAlign.Host.Runs;
using LeapAlign.Host.Scored;
using LeapAlign.Pipeline;
using Microsoft.Extensions.Logging;
using Spectre.Console;

namespace LeapAlign.Host.Likelihoods;

/// <summary><c>likelihood</c>: pictures under the flow of a plan's model, one at a time; the probes of each are those of its place in the list. Nothing is written before all is done.</summary>
internal sealed class PictureLikelihoods(Terminal terminal, ILoggerFactory loggers)
{
    // Kept out of line so that no stack slot holds a plugin type after it returns.
    /// <summary>Computes and writes. Synchronous: tensors belong to one thread.</summary>
    /// <param name="plan">Model, adapter, sampler, and captions where they are asked for.</param>
    /// <param name="options">What the command line says.</param>
    /// <param name="stop">Asks to stop after the current evaluation.</param>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public Result<Completion> Of(RunPlan plan, LikelihoodOptions options, CancellationToken stop) =>
        RunSite.Open(plan, loggers, terminal.Error, options.Size is { } size ? [new AskedSize(size, new SourcePlace("--size"))] : [], stop).Bind(site =>
        {
            using (site) return Of(plan, options, site, stop);
        });

    private Result<Completion> Of(RunPlan plan, LikelihoodOptions options, RunSite site, CancellationToken stop) => site.Work(
        "computing likelihoods",
        owned =>
            from _ in options.Files.Select(OutputFile.CanBe).All()
            from files in options.Drawn > 0 ? Result.Ok<IReadOnlyList<ScoredPicture>>([]) : Files(plan, options, site, owned)
            from prompts in options.Drawn > 0 ? Captions(plan, options, site, owned) : Result.Ok<IReadOnlyList<Prompt>>([])
            from sampler in RunParts.Make<ISampler>(plan.Sampler, site.Context, owned)
            from trained in TrainedModel.Make(plan, plan.Adapter is null ? site.FrozenContext : site.Context, owned)
            let work = new LikelihoodWork(plan, options, (trained.Model, sampler, site.Device), site.Stages())
            from rows in options.Drawn > 0 ? work.OfDrawn(prompts, stop) : work.OfFiles(files, stop)
            let sheet = new LikelihoodSheet([.. options.Forms.Select(DivergenceNames.Of)], rows)
            from written in Write(sheet, options)
            select Completion.Whole,
        site.NothingWritten);

    private static Result<IReadOnlyList<ScoredPicture>> Files(RunPlan plan, LikelihoodOptions options, RunSite site, List<IDisposable> owned) => options.Captions is { } captions
        ? from source in RunParts.Make<IPromptSource>(plan.Prompts, site.Context, owned)
          from rows in source.Read()
          from pictures in ScoredPictures.Of(options.Pictures, captions, rows)
          select pictures
        : ScoredPictures.Of(options.Pictures, options.Caption!);

    private static Result<IReadOnlyList<Prompt>> Captions(RunPlan plan, LikelihoodOptions options, RunSite site, List<IDisposable> owned) => options.Caption is { } caption
        ? Result.Ok<IReadOnlyList<Prompt>>([new Prompt(0, caption)])
        : RunParts.Make<IPromptSource>(plan.EvaluationPrompts ?? plan.Prompts, site.Context, owned).Bind(static source => source.Read());

    private Result<Unit> Write(LikelihoodSheet sheet, LikelihoodOptions options) =>
        from json in OutputFile.Write(options.Json, sheet.ToJson, terminal)
        from csv in OutputFile.Write(options.Csv, sheet.ToCsv, terminal)
        let shown = options.TakesOutput ? Unit.Value : Show(sheet)
        select shown;

    private Unit Show(LikelihoodSheet sheet)
    {
        string[] captions = sheet.HasCaptions ? ["caption"] : [];
        var table = terminal.Table(["picture", .. captions, "estimator", "ln p", "error", "bits/dim", "variance", "noise"]);
        foreach (var row in sheet.Rows)
        {
            foreach (var (form, estimate) in sheet.Forms.Zip(row.Of.Estimates))
            {
                string[] cells =
                [
                    row.Picture, .. captions.Select(_ => row.Caption), form, Number(estimate.Value, "F2"), Number(estimate.Error, "G3"), Number(estimate.Bits(row.Of.Dimensions), "F4"),
                    Number(estimate.Variance, "G3"), Number(row.Of.NoiseSize, "F3"),
                ];
                table.AddRow(cells.Select(Terminal.Cell));
            }
        }
        terminal.Console.Write(table);
        if (sheet.Rows.Count == 1) return Unit.Value;
        for (var form = 0; form < sheet.Forms.Count; form++)
        {
            var (value, error) = sheet.Mean(form);
            terminal.Write($"mean of {sheet.Rows.Count} by {sheet.Forms[form]}: {Number(value, "F2")}, error {Number(error, "G3")}");
        }
        return Unit.Value;
    }

    private static string Number(double value, string form) => value.ToString(form, CultureInfo.InvariantCulture);
}
