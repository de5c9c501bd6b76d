using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Contracts.Ranks;

namespace LeapAlign.Collectives.Mpi;

/// <summary>Offers the collective <c>mpi</c>.</summary>
public sealed class MpiPlugin : IPlugin
{
    /// <inheritdoc/>
    public IReadOnlyList<PartDefinition> Parts { get; } =
        [PartDefinition.TryOf<ICommunicator, MpiSettings>("mpi", SettingsJson.Default.MpiSettings, static (settings, context) => MpiWorld.Join(settings, context))];
}

/// <summary>Settings of <c>mpi</c>.</summary>
public sealed record MpiSettings
{
    /// <summary>The number of processes.</summary>
    [Description("The number of processes that the run is meant for; another number is refused before anything is read or written. null takes what the launcher starts.")]
    [Range(1, 1_000_000)]
    public int? ExpectedWorldSize { get; init; }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(MpiSettings))]
internal sealed partial class SettingsJson : JsonSerializerContext;
