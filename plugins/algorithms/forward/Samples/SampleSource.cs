using System.Text.Json.Serialization;

namespace LeapAlign.Algorithms.Forward.Samples;

/// <summary>Where samples with a score come from.</summary>
public enum SampleSource
{
    /// <summary>The pictures of the prompt source.</summary>
    [JsonStringEnumMemberName("pictures")]
    Pictures,

    /// <summary>Rollouts of the step.</summary>
    [JsonStringEnumMemberName("online")]
    Online,
}
