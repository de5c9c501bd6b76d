using System.CommandLine;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Host.Commands;
using LeapAlign.Host.Commands.Verbs;
using LeapAlign.Host.Configuration;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Filtering;

/// <summary>Sorts pictures with captions by how likely the model of plugins.json finds them.</summary>
internal sealed class FilterVerb(PlanRun run, PictureFilter filter) : IVerb
{
    private readonly Argument<string> _rows = new("rows") { Description = "A file of rows, each with a \"file\" and its \"caption\": JSON lines, JSON, CSV or TSV." };
    private readonly Option<string?> _clean = new(FilterOptions.CleanOption) { Description = "Such a file of pictures that are known to be right: their errors say the threshold.", HelpName = "path" };
    private readonly Option<double> _percentile = new("--percentile") { Description = "The percentile of the errors of clean rows below which a row is kept.", DefaultValueFactory = static _ => new FilterOptions("").Percentile };
    private readonly Option<double?> _threshold = new(FilterOptions.ThresholdOption) { Description = "The error below which a row is kept, instead." };
    private readonly Option<double> _atMost = new("--at-most") { Description = "The largest share of the rows that is kept, those of the lowest errors.", DefaultValueFactory = static _ => new FilterOptions("").AtMost };
    private readonly Option<bool> _turns = new("--turns") { Description = "Tries each picture turned by quarters, too." };
    private readonly Option<bool> _flips = new("--flips") { Description = "Tries each picture mirrored, too." };

    private readonly Option<string[]> _captions = new("--caption")
    {
        Description = "A caption that each picture is tried with beside its own; repeatable.",
        HelpName = "text",
        DefaultValueFactory = static _ => [],
        AllowMultipleArgumentsPerToken = false,
    };

    private readonly Option<bool> _allCaptions = new("--all-captions") { Description = "Tries each picture with the captions of all rows." };
    private readonly Option<bool> _relative = new("--relative") { Description = "Subtracts the error without a caption, so that plain pictures are not preferred." };
    private readonly Option<int> _draws = new("--draws") { Description = "Noise levels at which errors are measured, the same for all pictures.", DefaultValueFactory = static _ => new FilterOptions("").Draws };
    private readonly Option<long> _seed = new("--seed") { Description = "The seed of the noise." };
    private readonly Option<string?> _out = new(FilterOptions.OutOption) { Description = "A folder for the kept rows and the pictures that are laid otherwise.", HelpName = "path" };
    private readonly Option<bool> _withClean = new("--with-clean") { Description = "Puts the clean rows before those that are kept, for a run that learns from both." };
    private readonly Option<string?> _json = new("--json") { Description = "Writes what was found of all rows as JSON; - for standard output.", HelpName = "path" };
    private readonly Option<bool> _replace = new(FilterOptions.ReplaceOption) { Description = "Puts the folder in the place of one that is there." };

    public bool WritesFiles => true;

    public Command Describe()
    {
        _percentile.LimitReal(1, 100);
        _atMost.LimitReal(0.001, 1);
        _draws.Limit(1, 4096);
        _seed.Limit(0, long.MaxValue);
        _threshold.LimitReal(-1e9, 1e9);
        _captions.TakeCaptions(static _ => "--all-captions, with its rows in the file that is filtered");
        var command = new Command("filter", "Keeps pictures with captions that the model of plugins.json finds likely, each in its likeliest pose.")
        {
            _rows, _clean, _percentile, _threshold, _atMost, _turns, _flips, _captions, _allCaptions, _relative, _draws, _seed, _out, _withClean, _json, _replace,
        };
        command.Validators.Add(result =>
        {
            var (clean, threshold) = (result.GetResult(_clean) is not null, result.GetResult(_threshold) is not null);
            if (clean == threshold) result.AddError($"{(clean ? $"{FilterOptions.CleanOption} and {FilterOptions.ThresholdOption} are both given" : "nothing says which rows are kept")}; expected one of {FilterOptions.CleanOption} and {FilterOptions.ThresholdOption}");
            if (result.GetResult(_withClean) is { Implicit: false } && (!clean || result.GetResult(_out) is null)) result.AddError($"--with-clean writes the rows of {FilterOptions.CleanOption} into the folder of {FilterOptions.OutOption}; expected both");
        });
        command.KeepApart([_json, _out], _rows, _clean);
        command.SetAction(Invoke);
        return command;
    }

    private int Invoke(ParseResult parsed)
    {
        var options = new FilterOptions(parsed.GetValue(_rows)!)
        {
            Clean = parsed.GetValue(_clean),
            Percentile = parsed.GetValue(_percentile),
            Threshold = parsed.GetValue(_threshold),
            AtMost = parsed.GetValue(_atMost),
            Turns = parsed.GetValue(_turns),
            Flips = parsed.GetValue(_flips),
            Captions = [.. (parsed.GetValue(_captions) ?? []).Select(static caption => caption.Trim())],
            AllCaptions = parsed.GetValue(_allCaptions),
            Relative = parsed.GetValue(_relative),
            Draws = parsed.GetValue(_draws),
            Seed = parsed.GetValue(_seed),
            Out = parsed.GetValue(_out),
            WithClean = parsed.GetValue(_withClean),
            Json = parsed.GetValue(_json),
            Replaces = parsed.GetValue(_replace),
        };
        string[] clean = options.Clean is null ? [] : [PartSection.EvaluationPrompts];
        return run.Run(CompositionSource.Of(parsed), workspace => workspace.ComposeParts(source => WithRows(source, options), [PartKinds.Model, PartKinds.Adapter, PartKinds.Prompts, .. clean]), (plan, _, stop) => filter.Filter(plan, options, stop));
    }

    // Rows stand in the place of the captions of training, clean ones in that of the captions that judge.
    private static JsonSource WithRows(JsonSource source, FilterOptions options) =>
        FileOfRows.Pictures.In(FileOfRows.Pictures.In(source, PartKinds.Prompts, options.Rows, "rows"), PartSection.EvaluationPrompts, options.Clean, FilterOptions.CleanOption);
}
