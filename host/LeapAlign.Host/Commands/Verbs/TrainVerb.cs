using System.CommandLine;
using System.Runtime.CompilerServices;
using LeapAlign.Host.Composition;
using LeapAlign.Host.Plugins;
using LeapAlign.Host.Runtime;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Commands.Verbs;

/// <summary>Aligns the model of plugins.json.</summary>
internal sealed class TrainVerb(IPluginLoader loader, BundledPlugins bundled, ITraining training, Terminal terminal) : IVerb
{
    private readonly Option<string?> _name = new("--name") { Description = "The name of the run; the same as --set run.name=...", HelpName = "name" };
    private readonly Option<bool> _force = new("--force") { Description = "Replaces the folder of a run of the same name." };

    public Command Describe()
    {
        var command = new Command("train", "Aligns the model of plugins.json with its rewards.") { _name, _force };
        command.SetAction(Invoke);
        return command;
    }

    private int Invoke(ParseResult parsed)
    {
        var workspace = Workspace.Open(parsed, loader, bundled);
        using var interruption = new Interruption(terminal.Error);
        var code = Train(parsed, workspace, interruption);
        foreach (var fault in workspace.Catalog.Unload()) terminal.Error.Warning(fault);
        return code;
    }

    // A frame of its own: once it has returned, nothing on the stack refers to a plugin's types.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private int Train(ParseResult parsed, Workspace workspace, Interruption interruption)
    {
        IEnumerable<string> further = parsed.GetValue(_name) is { } name ? [$"run.name={JsonText.Of(name)}"] : [];
        var outcome = workspace.Compose(further).Bind(plan =>
        {
            var options = new TrainOptions(parsed.GetValue(_force), StartupTuning.Apply(plan.Run.Tuning, plan.Run.Threads));
            return plan.WhileRunning(() => training.Train(plan, options, interruption.Token));
        });
        return terminal.Finish(outcome, interruption.Token);
    }
}
