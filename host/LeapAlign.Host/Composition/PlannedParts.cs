using System.Collections.Immutable;
using LeapAlign.Contracts.Plugins;

namespace LeapAlign.Host.Composition;

/// <summary>The parts of a run by the section of plugins.json that names them.</summary>
internal sealed class PlannedParts
{
    private readonly ImmutableDictionary<string, IReadOnlyList<PartPlan>> _parts;

    private PlannedParts(ImmutableDictionary<string, IReadOnlyList<PartPlan>> parts) => _parts = parts;

    /// <summary>No parts.</summary>
    public static PlannedParts None { get; } = new(ImmutableDictionary.Create<string, IReadOnlyList<PartPlan>>(StringComparer.Ordinal));

    /// <summary>Every part with its section, in the order of the table of kinds.</summary>
    public IEnumerable<(PartSection Section, PartPlan Part)> All => PartKinds.Sections.SelectMany(section => In(section.Path).Select(part => (section, part)));

    /// <summary>The parts of a section; none when it is absent.</summary>
    public IReadOnlyList<PartPlan> In(string path) => _parts.GetValueOrDefault(path) ?? [];

    /// <summary>The part of a section that holds one; null when it is absent, or is the host's own.</summary>
    public PartPlan? One(string path) => In(path) is [var part] ? part : null;

    /// <summary>The same parts with others in a section.</summary>
    public PlannedParts With(string path, params IEnumerable<PartPlan> parts) => new(_parts.SetItem(path, [.. parts]));
}
