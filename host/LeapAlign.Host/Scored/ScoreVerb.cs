using System.CommandLine;
using System.CommandLine.Parsing;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Host.Commands;
using LeapAlign.Host.Commands.Verbs;
using LeapAlign.Host.Configuration;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Scored;

/// <summary>Scores pictures of files with the rewards of plugins.json.</summary>
internal sealed class ScoreVerb(PlanRun run, Scorer scorer) : IVerb
{
    private const string CaptionsOption = "--captions";

    private readonly Argument<string[]> _pictures = new("pictures")
    {
        Description = "Files and folders of pictures; without any, those of the file of captions.",
        Arity = ArgumentArity.ZeroOrMore,
    };

    private readonly Option<string?> _caption = new("--caption") { Description = "What all pictures are scored for.", HelpName = "text" };
    private readonly Option<string?> _captions = new(CaptionsOption) { Description = "A file of rows, each with a \"file\" and its \"caption\": JSON lines, JSON, CSV or TSV.", HelpName = "path" };

    private readonly Option<string[]> _rewards = new(ChosenRewards.Option)
    {
        Description = "A reward of plugins.json by its name, or an entry such as {\"id\":\"clip\",\"settings\":{...}}; repeatable. Without it, all of plugins.json.",
        HelpName = "name",
        DefaultValueFactory = static _ => [],
        AllowMultipleArgumentsPerToken = false,
    };

    private readonly Option<string?> _json = new("--json") { Description = "Writes the scores as JSON; - for standard output.", HelpName = "path" };
    private readonly Option<string?> _csv = new("--csv") { Description = "Writes the scores as comma-separated values; - for standard output.", HelpName = "path" };

    public Command Describe()
    {
        _caption.TakeCaptions(static file => $"{CaptionsOption} {Quoted.Words(file)}");
        var command = new Command("score", "Scores pictures with the rewards of plugins.json, as a run does. No model is read.") { _pictures, _caption, _captions, _rewards, _json, _csv };
        command.Validators.Add(Check);
        command.KeepApart([_json, _csv], _pictures, _captions);
        command.SetAction(Invoke);
        return command;
    }

    private void Check(CommandResult result)
    {
        var (caption, captions) = (result.GetResult(_caption), result.GetResult(_captions));
        if (caption is not null && captions is not null) result.AddError($"--caption and {CaptionsOption} are both given; expected one of them");
        else if (caption is null && captions is null) result.AddError($"the pictures have no caption; expected --caption or {CaptionsOption}");
        else if (captions is null && result.GetResult(_pictures) is not { Tokens.Count: > 0 }) result.AddError("there is nothing to score; expected files or folders of pictures");
        OutputFile.OneAtMost(result, _json, _csv);
    }

    private int Invoke(ParseResult parsed)
    {
        var options = new ScoreOptions(parsed.GetValue(_pictures) ?? [], parsed.GetValue(_caption)?.Trim(), parsed.GetValue(_captions)) { Json = parsed.GetValue(_json), Csv = parsed.GetValue(_csv) };
        var rewards = new ChosenRewards(parsed.GetValue(_rewards) ?? []);
        string[] sections = options.Captions is null ? [PartSection.Rewards] : [PartKinds.Prompts, PartSection.Rewards];
        return run.Run(
            CompositionSource.Of(parsed),
            workspace => workspace.ComposeParts(source => rewards.AddTo(FileOfRows.Pictures.In(source, PartKinds.Prompts, options.Captions, CaptionsOption)), sections).Bind(rewards.Of),
            (plan, _, stop) => scorer.Score(plan, options, stop));
    }
}
