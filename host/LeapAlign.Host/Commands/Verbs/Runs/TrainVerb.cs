using System.CommandLine;
using LeapAlign.Host.Configuration;
using LeapAlign.Host.Live;
using LeapAlign.Host.Runtime;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Commands.Verbs.Runs;

/// <summary>Aligns the model of plugins.json, from the beginning or from where a run stopped.</summary>
internal sealed class TrainVerb(PlanRun run, ITraining training, Terminal terminal, TimeProvider time) : IVerb
{
    private readonly Option<string?> _name = new("--name") { Description = "The name of the run; the same as --set run.name=...", HelpName = "name" };
    private readonly Option<bool> _force = new("--force") { Description = "Replaces the folder of a run of the same name." };

    private readonly Option<string?> _resume = new("--resume")
    {
        Description = "Goes on with a run from its newest valid checkpoint: the folder of the run, or 'latest' for the one that was worked on last.",
        HelpName = "folder",
    };

    private readonly Option<string[]> _allowed = new("--allow-change")
    {
        Description = "A key that may differ from the configuration that the resumed run began with, for instance run.steps; repeatable.",
        HelpName = "path.to.key",
        DefaultValueFactory = _ => [],
        AllowMultipleArgumentsPerToken = false,
    };

    private readonly Option<int?> _dashboard = new("--dashboard")
    {
        Description = "Shows the run live on a page of this machine, at an address that is printed when it begins; on a port of 127.0.0.1 if one is named, otherwise on any that is free.",
        HelpName = "port",
        Arity = ArgumentArity.ZeroOrOne,
    };

    private readonly Option<bool> _dump = new(CrashDump.Option) { Description = "A crash of the process leaves a minidump in the working folder, for whoever looks for its reason (Linux)." };

    public bool WritesFiles => true;

    public Command Describe()
    {
        var command = new Command("train", "Aligns the model of plugins.json with its rewards.") { _name, _force, _resume, _allowed, _dashboard, _dump };
        command.SetAction(Invoke);
        return command;
    }

    private int Invoke(ParseResult parsed)
    {
        var source = CompositionSource.Of(parsed);
        if (parsed.GetValue(_dump)) _ = CrashDump.Place.Match(Promise, Warn);
        if (parsed.GetValue(_resume) is { } which) return Resume(parsed, which);
        if (parsed.GetValue(_allowed)!.Length > 0) return terminal.Error.Error(Misuse.Of("--allow-change says what may differ in a run that --resume goes on with"));
        var named = parsed.GetValue(_name) is { } name ? source.With($"run.name={JsonText.Of(name)}") : source;
        return Train(parsed, named, null);
    }

    private Unit Promise(string place)
    {
        terminal.Write($"a crash leaves {place}");
        return Unit.Value;
    }

    private Unit Warn(Fault fault)
    {
        terminal.Error.Warning(fault);
        return Unit.Value;
    }

    private int Resume(ParseResult parsed, string which)
    {
        if (parsed.GetValue(_name) is not null || parsed.GetValue(_force)) return terminal.Error.Error(Misuse.Of("--resume goes on in the folder of the run: --name and --force belong to a new one"));
        return RunArgument.FindSource(which, parsed).Match(
            found => Train(parsed, found.Source, new ResumeOptions(found.Folder, parsed.GetValue(_allowed)!)),
            terminal.Error.Error);
    }

    private int Train(ParseResult parsed, CompositionSource source, ResumeOptions? resume)
    {
        if (parsed.GetResult(_dashboard) is null) return Compose(parsed, source, resume, null);
        // The page comes before anything of the run is there, so that a port that is taken leaves nothing behind.
        var watched = new WatchedRun(time);
        if (!LiveServer.Start(watched, parsed.GetValue(_dashboard) ?? 0, time).TryGet(out var server, out var fault)) return terminal.Error.Error(fault);
        using (server)
        {
            terminal.Write($"dashboard {server.Address}");
            var code = Compose(parsed, source, resume, watched);
            server.End();
            return code;
        }
    }

    private int Compose(ParseResult parsed, CompositionSource source, ResumeOptions? resume, WatchedRun? watched) => run.Run(source, (plan, tuning, stop) =>
        training.Train(plan, new TrainOptions(parsed.GetValue(_force), tuning, source) { Resume = resume, Watched = watched }, stop));
}
