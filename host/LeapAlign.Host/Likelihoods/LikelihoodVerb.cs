using System.CommandLine;
using System.CommandLine.Parsing;
using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Host.Commands;
using LeapAlign.Host.Commands.Verbs;
using LeapAlign.Host.Configuration;

namespace LeapAlign.Host.Likelihoods;

/// <summary>The log-likelihood of pictures, of files or drawn, under the flow of a model.</summary>
internal sealed class LikelihoodVerb(PlanRun run, PictureLikelihoods likelihoods) : IVerb
{
    /// <summary>The option of the estimators, which is the place of their faults.</summary>
    public const string EstimatorOption = "--estimator";

    private const string CaptionsOption = "--captions";

    private static readonly string[] s_sections = [PartKinds.Model, PartKinds.Adapter, PartKinds.Sampler];

    private readonly Argument<string[]> _pictures = new("pictures") { Description = "Files and folders of pictures; without any, those of the file of captions.", Arity = ArgumentArity.ZeroOrMore };
    private readonly Option<string?> _caption = new("--caption") { Description = "What all pictures are the likelihood for.", HelpName = "text" };
    private readonly Option<string?> _captions = new(CaptionsOption) { Description = "A file of rows, each with a \"file\" and its \"caption\": JSON lines, JSON, CSV or TSV.", HelpName = "path" };
    private readonly Option<int> _draw = new("--draw") { Description = "Pictures that the model draws for each caption, in the place of files; without --caption for the captions of evaluation.", HelpName = "count" };
    private readonly Option<string?> _model = new("--model", "-m") { Description = "Another model folder, for instance runs/<name>/export.", HelpName = "folder" };
    private readonly Option<string?> _size = new("--size") { Description = "The size of drawn pictures in pixels, such as 512x512; the model's own when absent.", HelpName = "width x height" };
    private readonly Option<long> _seed = new("--seed") { Description = "The seed of noise and probes." };
    private readonly Option<int?> _steps = new("--steps") { Description = "Steps of the solver; those of the sampler when absent." };
    private readonly Option<double?> _guidance = new("--guidance") { Description = "How strongly captions steer; the same as --set guidance.scale=..." };
    private readonly Option<string> _solver = new("--solver") { Description = "euler, heun or rk4: 1, 2 or 4 evaluations a step.", HelpName = "name", DefaultValueFactory = static _ => FlowSolver.Heun.Name };

    private readonly Option<string> _estimator = new(EstimatorOption)
    {
        Description = "How the divergence is estimated, each a column: signs, coordinates, tiles, exact.",
        HelpName = "names",
        DefaultValueFactory = static _ => "signs,coordinates",
    };

    private readonly Option<int> _products = new("--products") { Description = "Backward products of one estimate at one evaluation; the standard error falls with their root.", DefaultValueFactory = static _ => new LikelihoodOptions([], null, null).Products };
    private readonly Option<int> _tile = new("--tile") { Description = "The side of a tile of latents.", DefaultValueFactory = static _ => new LikelihoodOptions([], null, null).Tile };
    private readonly Option<string?> _json = new("--json") { Description = "Writes the table as JSON; - for standard output.", HelpName = "path" };
    private readonly Option<string?> _csv = new("--csv") { Description = "Writes the table as comma-separated values; - for standard output.", HelpName = "path" };

    public Command Describe()
    {
        _caption.TakeCaptions(static file => $"{CaptionsOption} {Quoted.Words(file)}");
        _draw.Limit(1, 100_000);
        _seed.Limit(0, long.MaxValue);
        _steps.Limit(1, 1000);
        // One product says nothing of its variance.
        _products.Limit(2, FlowLikelihood.MostExact);
        _tile.Limit(1, 1024);
        _size.Refuse(static word => ImageSize.TryParse(word, out _) ? null : $"--size is {ImageSize.Form}, not {Quoted.Words(word)}");
        _solver.Refuse(static word => Solver(word) is null ? $"there is no solver {Quoted.Words(word)}{NearestName.Hint(word, FlowSolver.All.Select(static solver => solver.Name))}" : null);
        _estimator.Refuse(Refused);
        var command = new Command("likelihood", "The log-likelihood of pictures under the model's flow, by integrating its ODE, with the error that estimates of the divergence give it.")
        {
            _pictures, _caption, _captions, _draw, _model, _size, _seed, _steps, _guidance, _solver, _estimator, _products, _tile, _json, _csv,
        };
        command.Validators.Add(Check);
        command.KeepApart([_json, _csv], _pictures, _captions);
        command.SetAction(Invoke);
        return command;
    }

    private void Check(CommandResult result)
    {
        var (caption, captions, draws) = (result.GetResult(_caption), result.GetResult(_captions), result.GetResult(_draw) is { Tokens.Count: > 0 });
        var files = result.GetResult(_pictures) is { Tokens.Count: > 0 };
        if (draws && (files || captions is not null)) result.AddError($"--draw has the model draw its pictures; {(files ? "files of pictures" : CaptionsOption)} cannot be given beside it");
        else if (!draws && caption is not null && captions is not null) result.AddError($"--caption and {CaptionsOption} are both given; expected one of them");
        else if (!draws && caption is null && captions is null) result.AddError($"the pictures have no caption; expected --caption, {CaptionsOption} or --draw");
        else if (!draws && captions is null && !files) result.AddError("there are no pictures; expected files or folders of them, or --draw");
        else if (!draws && result.GetResult(_size) is { Tokens.Count: > 0 }) result.AddError("--size is that of drawn pictures; files have their own");
        OutputFile.OneAtMost(result, _json, _csv);
    }

    private static FlowSolver? Solver(string name) => FlowSolver.All.FirstOrDefault(solver => solver.Name == name);

    private static string? Refused(string words)
    {
        string[] names = words.Split(',', StringSplitOptions.TrimEntries), known = [.. Enum.GetValues<DivergenceForm>().Select(DivergenceNames.Of)];
        if (names.FirstOrDefault(name => !known.Contains(name)) is { } unknown) return $"there is no estimator {Quoted.Words(unknown)}{NearestName.Hint(unknown, known)}; there are {string.Join(", ", known)}";
        return names.Distinct().Count() == names.Length ? null : $"{EstimatorOption} names one twice: {Quoted.Words(words)}";
    }

    private int Invoke(ParseResult parsed)
    {
        var options = new LikelihoodOptions(parsed.GetValue(_pictures) ?? [], parsed.GetValue(_caption)?.Trim(), parsed.GetValue(_captions))
        {
            Drawn = parsed.GetValue(_draw),
            Size = ImageSize.TryParse(parsed.GetValue(_size), out var size) ? size : null,
            Seed = parsed.GetValue(_seed),
            Steps = parsed.GetValue(_steps),
            Solver = Solver(parsed.GetValue(_solver)!)!,
            Forms = [.. parsed.GetValue(_estimator)!.Split(',', StringSplitOptions.TrimEntries).Select(DivergenceNames.Form)],
            Products = parsed.GetValue(_products),
            Tile = parsed.GetValue(_tile),
            Json = parsed.GetValue(_json),
            Csv = parsed.GetValue(_csv),
        };
        List<string> further = parsed.GetValue(_guidance) is { } scale ? [string.Create(null, $"guidance.scale={scale:R}")] : [];
        var source = CompositionSource.Of(parsed).With(further) with { ModelFolder = parsed.GetValue(_model) is { } folder ? Path.GetFullPath(folder) : null };
        return run.Run(source, workspace => workspace.ComposeParts(read => FileOfRows.Pictures.In(read, PartKinds.Prompts, options.Captions, CaptionsOption), Sections(workspace, options)), (plan, _, stop) => likelihoods.Of(plan, options, stop));
    }

    // Whether the model learns to draw without guidance, its algorithm says; a file without one is a model's alone.
    private static string[] Sections(Workspace workspace, LikelihoodOptions options) =>
    [
        .. s_sections,
        .. options.Captions is null && (options.Drawn == 0 || options.Caption is not null) ? (string[])[] : options.Captions is null && workspace.Names(PartSection.EvaluationPrompts) ? [PartSection.EvaluationPrompts] : [PartKinds.Prompts],
        .. workspace.Names(PartKinds.Algorithm) ? (string[])[PartKinds.Algorithm] : [],
    ];
}

/// <summary>The words of the estimators.</summary>
internal static class DivergenceNames
{
    /// <summary>As the command line and tables have it.</summary>
    public static string Of(DivergenceForm form) => form.ToString().ToLowerInvariant();

    /// <summary>The form of a word.</summary>
    public static DivergenceForm Form(string word) => Enum.GetValues<DivergenceForm>().First(form => Of(form) == word);
}
