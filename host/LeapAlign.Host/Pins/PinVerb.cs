using System.CommandLine;
using LeapAlign.Host.Commands;
using LeapAlign.Host.Commands.Verbs;
using LeapAlign.Host.Configuration;
using LeapAlign.Host.Configuration.Schema;
using LeapAlign.Host.Plugins;
using LeapAlign.Pipeline;
using LeapAlign.Storage.Disks;
using Spectre.Console;

namespace LeapAlign.Host.Pins;

/// <summary>Pins the parts of plugins.json to the plugins that are installed. No plugin is loaded.</summary>
internal sealed class PinVerb(Workspaces workspaces, Terminal terminal) : IVerb
{
    private readonly Option<bool> _check = new("--check") { Description = "Writes nothing, and ends with 3 when a part is not pinned to the plugin that is installed." };
    private readonly Option<bool> _remove = new("--remove") { Description = "Takes the pins out." };

    public Command Describe()
    {
        var command = new Command("pin", "Writes the SHA-256 of the plugin of each part into plugins.json; a run with another plugin does not begin.") { _check, _remove };
        command.SetAction(Invoke);
        return command;
    }

    private int Invoke(ParseResult parsed)
    {
        var (check, remove) = (parsed.GetValue(_check), parsed.GetValue(_remove));
        if (check && remove) return terminal.Error.Error(Misuse.Of("--check writes nothing and --remove takes pins out: give one of them"));
        if (parsed.GetValue(GlobalOptions.Set)!.Length > 0) return terminal.Error.Error(Misuse.Of("--set changes a run; pin works on the file as it is"));
        var config = parsed.GetValue(GlobalOptions.Config)!;
        return Read(config).Bind(source => (remove ? Nothing(source) : Wanted(source)).Map(pins => (source, pins))).Match(
            read => check ? Check(read.source, read.pins) : terminal.Finish(Write(read.source, read.pins)),
            terminal.Error.Error);
    }

    private static Result<JsonSource> Read(string config) =>
        from source in ConfigurationFile.Read(config, [])
        from _ in SchemaCheck.First(source.Root, ConfigurationSchema.Structure, "", source) is { } fault ? Result.Fail<Unit>(fault) : Unit.Value
        from __ in NamedPart.Entries(source.Root).Select(entry => NamedPart.ReadId(entry.Section, entry.Key, entry.Node, source)).All()
        select source;

    private static Result<IReadOnlyList<Pin>> Nothing(JsonSource source) =>
        Result.Ok<IReadOnlyList<Pin>>([.. NamedPart.In(source.Root).Select(static part => new Pin(part, null, null))]);

    private Result<IReadOnlyList<Pin>> Wanted(JsonSource source)
    {
        var catalog = workspaces.Installed(new(source.File, [], "pin"));
        Dictionary<PluginHandle, Result<string>> fingerprints = [];
        return NamedPart.In(source.Root).Select(part =>
            from plugin in catalog.Locate(part.Kind, part.Id, source.Place(part.Key))
            let known = fingerprints.TryGetValue(plugin, out var once) ? once : fingerprints[plugin] = PluginFingerprint.Of(plugin)
            from fingerprint in known
            select new Pin(part, plugin.Id, fingerprint)).All();
    }

    private int Check(JsonSource source, IReadOnlyList<Pin> pins)
    {
        var code = 0;
        foreach (var pin in pins.Where(static pin => pin.Changes))
        {
            var words = pin.Part.Pin is null ? $"is not pinned; its folder has the SHA-256 {pin.Value}" : $"has the SHA-256 {pin.Value}, which is not the one that is pinned";
            code = terminal.Error.Error(new Fault.Plugin(FaultCodes.PinMismatch, $"plugin '{pin.Plugin}' {words}", source.Place(pin.Part.PinKey)));
        }
        if (code == 0) terminal.Write($"{source.File}: all {pins.Count} parts are pinned to the plugins that are installed");
        return code;
    }

    private Result<Unit> Write(JsonSource source, IReadOnlyList<Pin> pins)
    {
        var changed = pins.Where(static pin => pin.Changes).ToDictionary(static pin => pin.Part.Key, static pin => pin.Value, StringComparer.Ordinal);
        Show(pins);
        if (changed.Count == 0)
        {
            terminal.Write($"{source.File} is as it should be; nothing was written");
            return Unit.Value;
        }
        return Replace(source.File, PinnedText.With(source.Text, changed)).Map(_ =>
        {
            terminal.Write($"wrote {source.File}: {changed.Count} of {pins.Count} parts changed");
            return Unit.Value;
        });
    }

    private void Show(IReadOnlyList<Pin> pins)
    {
        var table = terminal.Table("part", "id", "plugin", "sha256", "");
        foreach (var pin in pins.Where(static pin => pin.Value is not null || pin.Changes))
        {
            string[] cells = [pin.Part.Key, pin.Part.Id, pin.Plugin ?? "", pin.Value ?? "", pin.Changes ? pin.Value is null ? "removed" : "written" : "kept"];
            table.AddRow(cells.Select(Terminal.Cell));
        }
        if (table.Rows.Count > 0) terminal.Console.Write(table);
    }

    // A link stays a link, and the file keeps who may read it.
    private static Result<Unit> Replace(string config, byte[] text)
    {
        var path = File.ResolveLinkTarget(config, returnFinalTarget: true)?.FullName ?? config;
        UnixFileMode? mode = OperatingSystem.IsWindows() ? null : File.GetUnixFileMode(path);
        return WholeFile.Write(path, text).Map(_ =>
        {
            if (!OperatingSystem.IsWindows() && mode is { } kept) File.SetUnixFileMode(path, kept);
            return Unit.Value;
        });
    }

    private sealed record Pin(NamedPart Part, string? Plugin, string? Value)
    {
        public bool Changes => Value is null ? Part.Pin is not null : !Value.Equals(Part.Pin, StringComparison.OrdinalIgnoreCase);
    }
}
