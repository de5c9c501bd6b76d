using System.Globalization;
using System.Runtime.CompilerServices;
using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Rewards;
using LeapAlign.Contracts.Samplers;
using LeapAlign.Host.Commands;
using LeapAlign.Host.Composition;
using LeapAlign.Host.Configuration;
using LeapAlign.Host.Kernel;
using LeapAlign.Host.Kernel.Pictures;
using LeapAlign.Host.Kernel.Rewards;
using LeapAlign.Host.Runs;
using LeapAlign.Pipeline;
using LeapAlign.Storage.Safetensors;
using Microsoft.Extensions.Logging;
using Spectre.Console;

namespace LeapAlign.Host.Fitting;

/// <summary><c>fit</c>: a reward of latents learns what another reward says of the model's pictures, or what people said. Its file is written when all is done, whole or not at all.</summary>
internal sealed class RewardFitting(Terminal terminal, ILoggerFactory loggers)
{
    // Of what hurts, so many are shown; the file has all.
    private const int Shown = 10;

    // Kept out of line so that no stack slot holds a plugin type after it returns.
    /// <summary>Fits and writes. Synchronous: tensors belong to one thread.</summary>
    /// <param name="plan">Model, captions, sampler and rewards.</param>
    /// <param name="options">What the command line says.</param>
    /// <param name="stop">Asks to stop.</param>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public Result<Completion> Fit(RunPlan plan, FitOptions options, CancellationToken stop) =>
        RunSite.Open(plan, loggers, terminal.Error, plan.Size is { } size ? [new AskedSize(size, new SourcePlace("plugins.json", Key: "run.size"))] : [], stop).Bind(site =>
        {
            using (site) return Fit(plan, options, site, stop);
        });

    private Result<Completion> Fit(RunPlan plan, FitOptions options, RunSite site, CancellationToken stop) => site.Work(
        "fitting",
        owned =>
            from named in Named(plan, options.Reward)
            from source in options.From is { } learnt ? Named(plan, learnt).Map(static reward => (RewardPlan?)reward) : Result.Ok<RewardPlan?>(null)
            from reward in Fitted(named, site, owned)
            from place in CanBe(reward, named, options)
            from table in options.Effects is { } effects && effects != OutputFile.StandardOutput ? OutputFile.CanBe(effects) : Unit.Value
            from prompts in RunParts.Make<IPromptSource>(plan.Prompts, site.Context, owned).Bind(static made => made.Read())
            from sampler in source is null ? Result.Ok<ISampler?>(null) : RunParts.Make<ISampler>(plan.Sampler, site.Context, owned).Map(static made => (ISampler?)made)
            from model in RunParts.Make<IModel>(plan.Model, site.FrozenContext, owned)
            from pictures in PictureSpace.Of(model, plan.Size ?? model.NativeSize)
            from teacher in source is null ? Result.Ok<RunReward?>(null) : Teacher(source, site, owned)
            let work = new FitWork(plan, options, (model, sampler, pictures, site.Device), site.Stages(), line => terminal.Error.WriteLine(line))
            from done in work.Run(reward, teacher, prompts, stop)
            from written in Write(reward.File, done.File)
            from told in OutputFile.Write(options.Effects, () => RowEffects.ToCsv(done.Effects), terminal)
            select options.Effects == OutputFile.StandardOutput ? Completion.Whole : Show(terminal, options, reward, done),
        site.NothingWritten);

    internal static Result<RewardPlan> Named(RunPlan plan, string name) => plan.Rewards.FirstOrDefault(reward => reward.Part.Name == name) is { } named
        ? named
        : new Fault.Configuration(FaultCodes.BadOption, $"there is no reward {Quoted.Words(name)} in plugins.json{NearestName.Hint(name, plan.Rewards.Select(static reward => reward.Part.Name))}", new SourcePlace("fit"));

    internal static Result<IFittedReward> Fitted(RewardPlan named, RunSite site, List<IDisposable> owned) =>
        RunParts.Make<object>(named.Part, site.Context, owned).Bind(made => made is IFittedReward fitted
            ? Result.Ok(fitted)
            : new Fault.Composition(FaultCodes.CannotFit, $"the reward '{named.Part.Name}' ({named.Part.Definition.Id}) is not one that is fitted; latent-head is", named.Part.Place));

    private static Result<RunReward?> Teacher(RewardPlan source, RunSite site, List<IDisposable> owned) =>
        RunParts.MakeReward(source, model: null, site.Context, owned).Bind(made => made.Latent is not null
            ? new Fault.Composition(FaultCodes.CannotFit, $"the reward '{made.Name}' scores latents; {FitOptions.FromOption} names one that scores pictures", source.Part.Place)
            : made.Compares
                ? new Fault.Composition(FaultCodes.CannotFit, $"the reward '{made.Name}' compares the pictures of a caption; {FitOptions.FromOption} names one that scores each picture by itself", source.Part.Place)
                : Result.Ok<RunReward?>(made));

    // Before anything is drawn: it may take long.
    internal static Result<Unit> CanBe(IFittedReward reward, RewardPlan named, FitOptions options)
    {
        if (options.From == named.Part.Name) return new Fault.Configuration(FaultCodes.CannotFit, $"the reward '{options.From}' cannot be fitted to itself", new SourcePlace(FitOptions.FromOption));
        if (!OutputFile.CanBe(reward.File).TryGet(out _, out var fault)) return fault;
        return File.Exists(reward.File) && !options.Replaces
            ? new Fault.Run(FaultCodes.CannotWrite, $"there is a fitted reward already; {FitOptions.ReplaceOption} puts another in its place", new SourcePlace(reward.File))
            : Unit.Value;
    }

    internal static Result<Unit> Write(string path, FittedFile file) =>
        SafetensorsWriter.Write(path, [.. file.Tensors.Select(static tensor => new TensorToWrite(tensor.Name, tensor.Value.detach(), tensor.Value.dtype))], file.Metadata);

    internal static Completion Show(Terminal terminal, FitOptions options, IFittedReward reward, FitOutcome done)
    {
        var table = terminal.Table(["sigma", "held out", "pearson", "spearman", "explained", "pairs", "gradient", "fitted"]);
        foreach (var (sigma, quality) in done.Quality)
        {
            table.AddRow(new[] { sigma.ToString(CultureInfo.InvariantCulture), quality.Count.ToString(CultureInfo.InvariantCulture), Number(quality.Pearson), Number(quality.Spearman), Number(quality.Explained), Number(quality.Pairs), Number(quality.Gradient), Number(quality.FittedGradient) }.Select(Terminal.Cell));
        }
        terminal.Console.Write(table);
        if (options.Effects is not null) ShowEffects(terminal, done.Effects);
        terminal.Write($"'{options.Reward}' in {reward.File}");
        return Completion.Whole;
    }

    private static void ShowEffects(Terminal terminal, IReadOnlyList<RowEffect> effects)
    {
        RowEffect[] hurting = [.. effects.TakeWhile(static each => each.Effect > 0).Take(Shown)];
        terminal.Write(hurting.Length == 0 ? "without any one of the samples the held-out captions would be told worse" : $"the held-out captions would be told better without, for instance, the {(hurting.Length == 1 ? "sample" : $"{hurting.Length} samples")} that hurt most:");
        if (hurting.Length == 0) return;
        var table = terminal.Table(["row", "picture", "caption", "score", "effect"]);
        foreach (var each in hurting) table.AddRow(new[] { each.Row.ToString(CultureInfo.InvariantCulture), each.Picture, each.Caption, each.Score.ToString("G4", CultureInfo.InvariantCulture), each.Effect.ToString("G3", CultureInfo.InvariantCulture) }.Select(Terminal.Cell));
        terminal.Console.Write(table);
    }

    private static string Number(double? value) => value is { } number ? number.ToString("F3", CultureInfo.InvariantCulture) : "-";
}
