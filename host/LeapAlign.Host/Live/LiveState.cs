using System.Text.Json;
using System.Text.Json.Serialization;
using LeapAlign.Host.Reports.Pages;

namespace LeapAlign.Host.Live;

/// <summary>How far a run is, as the head of its page says it.</summary>
/// <param name="Revision">Grows whenever a file of the run has changed.</param>
/// <param name="Phase">Whether it goes on.</param>
/// <param name="Name">Its name; null as long as there is no run.</param>
/// <param name="Step">Steps done.</param>
/// <param name="Steps">Steps asked for.</param>
internal sealed record LiveState(long Revision, LivePhase Phase, string? Name, int Step, long Steps)
{
    /// <summary>No run yet.</summary>
    public static LiveState Waiting { get; } = new(0, LivePhase.Waiting, null, 0, 0);

    /// <summary>Seconds of one of the last steps; null before the first.</summary>
    public double? SecondsPerStep { get; init; }

    /// <summary>Seconds of the steps that are left; null when it does not go on.</summary>
    public double? SecondsLeft { get; init; }

    /// <summary>Seconds since it wrote something last; null when it wrote nothing yet.</summary>
    public double? HeardSeconds { get; init; }

    public string ToJson() => JsonSerializer.Serialize(this, LiveJson.Default.LiveState);
}

/// <summary>Whether a run goes on, or how it ended.</summary>
internal enum LivePhase
{
    /// <summary>It has not begun.</summary>
    Waiting,

    /// <summary>It goes on.</summary>
    Running,

    /// <summary>All steps are done.</summary>
    Completed,

    /// <summary>It was asked to stop.</summary>
    Interrupted,

    /// <summary>It ended with a fault.</summary>
    Faulted,

    /// <summary>Its process ended without a word.</summary>
    Died,
}

/// <summary>What a page draws itself from.</summary>
/// <param name="State">How far the run is.</param>
/// <param name="Pictures">Names the pictures that the report has. A page that has these already gets a report without them.</param>
/// <param name="Report">The numbers, as a report has them; null when there are none.</param>
/// <param name="Fault">Why there are none; null when it is too early.</param>
internal sealed record LiveData(LiveState State, string Pictures, ReportData? Report, string? Fault)
{
    public string ToJson() => JsonSerializer.Serialize(this, LiveJson.Default.LiveData);
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals, UseStringEnumConverter = true)]
[JsonSerializable(typeof(LiveState))]
[JsonSerializable(typeof(LiveData))]
internal sealed partial class LiveJson : JsonSerializerContext;
