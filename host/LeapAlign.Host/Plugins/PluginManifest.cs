using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Host.Configuration;
using LeapAlign.Host.Configuration.Schema;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Plugins;

/// <summary><c>plugin.json</c>: what a plugin says about itself before any of its code runs.</summary>
internal sealed record PluginManifest
{
    /// <summary>The name of the file in a plugin's folder.</summary>
    public const string FileName = "plugin.json";

    [Description("The plugin's name, unique among the plugins that are installed.")]
    [RegularExpression("^[A-Za-z0-9][A-Za-z0-9._-]*$")]
    public required string Id { get; init; }

    [Description("The plugin's version, as its author counts.")]
    [MinLength(1)]
    public required string Version { get; init; }

    [Description("The file name of the plugin's assembly, in the folder of plugin.json.")]
    [RegularExpression("^[^/\\\\:]+\\.dll$")]
    public required string Assembly { get; init; }

    [Description("The versions of LeapAlign.Contracts that the plugin works with, such as [2.0,3.0).")]
    public required string Contract { get; init; }

    [Description("What the plugin offers, the same as its code lists.")]
    [MinLength(1)]
    public required IReadOnlyList<ManifestPart> Parts { get; init; }

    [Description("Spans that the plugin's parts start themselves, for the page of telemetry.")]
    public IReadOnlyList<ManifestSpan> Spans { get; init; } = [];

    /// <summary>The versions of the contracts, read from <see cref="Contract"/>.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public ContractRange ContractRange => ContractRange.TryParse(Contract, out var range) ? range : ContractRange.Nothing;

    /// <summary>Reads the manifest of a plugin folder.</summary>
    /// <returns>The manifest, or LA2002 with file, line and key.</returns>
    public static Result<PluginManifest> Read(string folder)
    {
        var path = Path.Combine(folder, FileName);
        if (!File.Exists(path)) return Bad($"the folder holds assemblies but no {FileName}", new(folder));
        var read =
            from source in JsonSource.Read(path)
            from manifest in Parse(source)
            select manifest;
        return read.Match(Result.Ok, fault => Bad(fault.Message, fault.Place ?? new(path)));
    }

    private static Result<PluginManifest> Parse(JsonSource source)
    {
        if (SchemaCheck.First(source.Root, SettingsSchema.Of(HostJson.Manifest), "", source) is { } fault) return Result.Fail<PluginManifest>(fault);
        var manifest = JsonSerializer.Deserialize(source.Root, HostJson.Manifest)!;
        if (!ContractRange.TryParse(manifest.Contract, out _))
        {
            return Bad($"'{manifest.Contract}' is not a range of versions such as [2.0,3.0)", source.Place("contract"));
        }
        var twice = manifest.Parts.Select((part, index) => (part, index)).FirstOrDefault(pair => manifest.Parts.Take(pair.index).Any(pair.part.IsSamePart));
        if (twice.part is not null) return Bad($"the {twice.part.Kind} '{twice.part.Id}' is listed twice", source.Place(JsonSource.Join("parts", twice.index)));
        var taken = manifest.Parts.Select((part, index) => (part, index)).FirstOrDefault(static pair => PartKinds.Of(pair.part.Kind).Sections.Any(section => section.Default == pair.part.Id));
        return taken.part is null
            ? manifest
            : Bad($"the {taken.part.Kind} '{taken.part.Id}' is a part of the program; give this one another id", source.Place(JsonSource.Join("parts", taken.index)));
    }

    private static Result<PluginManifest> Bad(string message, SourcePlace place) => new Fault.Plugin(FaultCodes.BadManifest, message, place);
}

/// <summary>A part that plugin.json lists.</summary>
internal sealed record ManifestPart
{
    [Description("What plugins.json uses it as.")]
    [KnownKind]
    public required string Kind { get; init; }

    [Description("The word that plugins.json uses.")]
    [RegularExpression("^[A-Za-z0-9][A-Za-z0-9._-]*$")]
    public required string Id { get; init; }

    [Description("One sentence for lists and editors.")]
    public string Summary { get; init; } = "";

    /// <summary>Whether plugins.json could not tell the two apart.</summary>
    public bool IsSamePart(ManifestPart other) => Kind == other.Kind && Id == other.Id;
}

/// <summary>A span that parts of the plugin start.</summary>
internal sealed record ManifestSpan
{
    [Description("Its name, the same for each of its kind.")]
    [MinLength(1)]
    public required string Name { get; init; }

    [Description("The span that it lies in: a stage of the host's, such as roll.")]
    [MinLength(1)]
    public required string Inside { get; init; }

    [Description("One sentence.")]
    public string Summary { get; init; } = "";

    [Description("What it carries.")]
    public IReadOnlyList<ManifestAttribute> Attributes { get; init; } = [];
}

/// <summary>An attribute of such a span.</summary>
internal sealed record ManifestAttribute
{
    [Description("Its name, in a namespace.")]
    [RegularExpression(@"^[a-z]+(\.[a-z]+(_[a-z]+)*)+$")]
    public required string Name { get; init; }

    [Description("What its values are.")]
    [AllowedValues("string", "int", "double", "boolean")]
    public required string Type { get; init; }

    [Description("One sentence.")]
    public string Summary { get; init; } = "";
}

/// <summary>Allows the kinds of the table.</summary>
internal sealed class KnownKindAttribute() : AllowedValuesAttribute([.. PartKinds.All]);
