using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using LeapAlign.Host.Checkpoints;
using LeapAlign.Host.Commands;
using LeapAlign.Host.Composition;
using LeapAlign.Host.Configuration;
using LeapAlign.Host.Plugins;
using LeapAlign.Host.Runs.Folders;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Sweeps;

/// <summary>Composes the members of a sweep, so that what is wrong with the last of them is said before the first begins; and looks at what each has done before.</summary>
internal sealed class SweepComposer(Workspaces workspaces)
{
    private const string Device = "run.device";

    /// <summary>Composes all members, and unloads the plugins again.</summary>
    /// <param name="sweep">The sweep.</param>
    /// <param name="here">Whether members are to run on this machine; otherwise a device that it does not have is none of its concern.</param>
    /// <returns>The members in order; or the first thing that is wrong, with its place in the file of the sweep and the member.</returns>
    public Result<IReadOnlyList<PlannedMember>> Plan(Sweep sweep, bool here)
    {
        using var workspace = workspaces.Open(new CompositionSource(sweep.Config, sweep.Set, SweepVerb.Name));
        return PlanIn(workspace.Catalog, sweep, here);
    }

    // Kept out of line so that no stack slot holds a plugin type after it returns.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static Result<IReadOnlyList<PlannedMember>> PlanIn(PluginCatalog catalog, Sweep sweep, bool here) => sweep.Members
        .Select(member => Compose(catalog, sweep, member)
            .Match(plan => Look(plan, member), fault => here || fault.Code != FaultCodes.DeviceNotAvailable ? Result.Fail<PlannedMember>(fault) : Elsewhere(catalog, sweep, member)))
        .All();

    /// <summary>Composes one member.</summary>
    /// <returns>Its plan; a fault of a value that the sweep says has its place there, and every fault names the member.</returns>
    public static Result<RunPlan> Compose(PluginCatalog catalog, Sweep sweep, SweepMember member) =>
        Source(sweep, member).Bind(new Composer(catalog).Compose).Match(Result.Ok, fault => Result.Fail<RunPlan>(Of(member, fault)));

    /// <summary>What a member has done before.</summary>
    /// <returns>LA4013 when its folder cannot be read.</returns>
    public static Result<PlannedMember> Look(RunPlan plan, SweepMember member) => Look(plan, member, (JsonObject)JsonNode.Parse(plan.ResolvedJson)!);

    private static Result<PlannedMember> Look(RunPlan plan, SweepMember member, JsonObject now)
    {
        var folder = RunFolder.At(Path.GetFullPath(Path.Combine(plan.Run.Folder, plan.Run.Name), plan.BaseFolder));
        var standing = RunStandings.Of(folder);
        var planned = new PlannedMember(member, folder, standing);
        if (standing is not (RunStanding.Finished or RunStanding.Stopped)) return planned;
        try
        {
            var then = (JsonObject)JsonNode.Parse(File.ReadAllText(folder.Resolved))!;
            return planned with { Changes = [.. ChangedKey.Between(ResolvedConfiguration.WithDefaults(then, plan), ResolvedConfiguration.WithDefaults(now, plan))] };
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or JsonException or InvalidCastException)
        {
            return RunFolder.CannotRead(folder.Resolved, exception);
        }
    }

    // The same member on any device; what is compared has the device that it says.
    private static Result<PlannedMember> Elsewhere(PluginCatalog catalog, Sweep sweep, SweepMember member)
    {
        JsonNode? said = null;
        var composed =
            from source in Source(sweep, member)
            let device = said = source.Said("run", "device")?.DeepClone()
            from any in Override.Apply(source, Device, "auto", new SourcePlace(sweep.File))
            from made in new Composer(catalog).Compose(any)
            select made;
        if (!composed.TryGet(out var plan, out var fault)) return Result.Fail<PlannedMember>(Of(member, fault));
        var now = (JsonObject)JsonNode.Parse(plan.ResolvedJson)!;
        now["run"]!["device"] = said;
        return Look(plan, member, now);
    }

    private static Result<JsonSource> Source(Sweep sweep, SweepMember member)
    {
        var read = member.Sets.Aggregate(ConfigurationFile.Read(sweep.Config, sweep.Set), static (source, set) => source.Bind(file => Override.Apply(file, set.Key, set.Value?.DeepClone(), set.Place)));
        return read.Bind(source => MemberCall.Location(source, sweep, member).Aggregate(Result.Ok(source), (at, set) => at.Bind(file => Override.Apply(file, set.Key, set.Value, set.Place))));
    }

    private static Fault Of(SweepMember member, Fault fault) => fault.And($" ({member})") with { Place = fault.Place, Advice = fault.Advice };
}
