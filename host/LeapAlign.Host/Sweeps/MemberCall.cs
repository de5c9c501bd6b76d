using System.Text.Json.Nodes;
using LeapAlign.Host.Commands;
using LeapAlign.Host.Configuration;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Sweeps;

/// <summary>How a member is run: <c>leapalign train</c> with overrides.</summary>
internal static class MemberCall
{
    private const string DefaultFolder = "runs";

    /// <summary>The overrides that say where the run of a member lies: in the folder of the sweep, which is in <c>run.folder</c>.</summary>
    /// <param name="source">plugins.json with the member's overrides.</param>
    /// <param name="sweep">The sweep.</param>
    /// <param name="member">The member.</param>
    public static IReadOnlyList<SweepSet> Location(JsonSource source, Sweep sweep, SweepMember member)
    {
        var folder = source.Said("run", "folder") is JsonValue value && value.TryGetValue(out string? text) ? text : DefaultFolder;
        var place = new SourcePlace(sweep.File, Key: "name");
        return [new("run.folder", JsonValue.Create(Path.Combine(folder, sweep.Name)), place), new("run.name", JsonValue.Create(member.Name), place)];
    }

    /// <summary>What the run of a member is composed from.</summary>
    public static Result<CompositionSource> Source(Sweep sweep, SweepMember member)
    {
        var own = new CompositionSource(sweep.Config, [.. sweep.Set, .. member.Sets.Select(static set => set.Text)], SweepVerb.Name);
        return own.Read().Map(read => own.With(Location(read, sweep, member).Select(static set => set.Text)));
    }

    /// <summary>The arguments of the program that runs a member.</summary>
    /// <param name="source">What it is composed from.</param>
    /// <param name="planned">The member.</param>
    /// <param name="allowed">Keys that may differ from those that a run went on with.</param>
    public static IReadOnlyList<string> Arguments(CompositionSource source, PlannedMember planned, IReadOnlyList<string> allowed) =>
    [
        "train", "--config", source.Config,
        .. source.Set.SelectMany(static text => new[] { "--set", text }),
        .. planned.Action switch
        {
            MemberAction.Replace => new[] { "--force" },
            MemberAction.Resume => ["--resume", planned.Folder.Path, .. allowed.SelectMany(static key => new[] { "--allow-change", key })],
            _ => [],
        },
    ];
}
