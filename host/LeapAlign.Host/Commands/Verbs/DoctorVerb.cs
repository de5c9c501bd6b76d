using System.CommandLine;
using System.Runtime.CompilerServices;
using LeapAlign.Host.Configuration.Sections;
using LeapAlign.Host.Diagnostics;
using LeapAlign.Host.Plugins;
using Spectre.Console;

namespace LeapAlign.Host.Commands.Verbs;

/// <summary>Looks whether this machine, the plugins and plugins.json are fit for a run.</summary>
internal sealed class DoctorVerb(Workspaces workspaces, Terminal terminal) : IVerb
{
    public Command Describe()
    {
        var command = new Command("doctor", "Checks natives, tensors, threads, tuning, plugins, and the files that plugins.json names.");
        command.SetAction(Invoke);
        return command;
    }

    private int Invoke(ParseResult parsed)
    {
        using var workspace = workspaces.Open(CompositionSource.Of(parsed));
        var findings = Look(workspace);
        var table = terminal.Table("", "what", "seen");
        foreach (var finding in findings) table.AddRow(Terminal.Cell(finding.IsWell ? "ok" : "BAD"), Terminal.Cell(finding.What), Terminal.Cell(finding.Detail));
        terminal.Console.Write(table);
        return findings.All(finding => finding.IsWell) ? 0 : 1;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static List<Finding> Look(Workspace workspace)
    {
        var composed = workspace.Compose();
        var run = composed.Match(plan => plan.Run, _ => new RunSettings());
        List<Finding> findings = [.. TensorChecks.Run(run.Tuning, run.Threads, run.Device)];
        findings.AddRange(workspace.Catalog.Plugins.Select(Of));
        findings.AddRange(composed.Match(static plan => JoinedChecks.Run(plan), static _ => []));
        findings.AddRange(composed.Match(
            plan => PathChecks.Run(plan).Prepend(new(workspace.Source.Config, true, "is valid")),
            fault => [new(workspace.Source.Config, false, fault.ToString())]));
        return findings;
    }

    private static Finding Of(PluginHandle plugin)
    {
        var prepared = PluginCatalog.Prepare(plugin).Match(_ => $"version {plugin.Manifest!.Version}", fault => fault.ToString());
        return new($"plugin {plugin.Id}", plugin.Fault is null, prepared);
    }
}
