using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using LeapAlign.Methods.Times;

namespace LeapAlign.Algorithms.Forward.Ddo;

/// <summary>Settings of <c>ddo</c>.</summary>
public sealed record DdoSettings : SampleTimeSettings
{
    /// <summary>Where fakes come from.</summary>
    [Description("Where fakes come from: pictures (the second picture of each prompt of the prompt source, the first being real) or generated (rolled out by the reference without guidance in each step, beside the picture of the prompt).")]
    public FakeSource Fakes { get; init; }

    /// <summary>β.</summary>
    [Description("Inverse temperature beta of the discriminator, for errors that are means over the latents: 30 to 300. Set it near one over the deviation of margin_real once that has settled; far above, nothing moves, and below 1 the model overshoots.")]
    [Range(1e-6, 1e9)]
    public double Beta { get; init; } = 61;

    /// <summary>α.</summary>
    [Description("Weight alpha of fakes against real pictures. 1 has the real pictures as optimum; above 1 sharpens towards few of them.")]
    [Range(1e-6, 1e6)]
    public double Alpha { get; init; } = 1;

    /// <summary>Whether the trained policy is evaluated with guidance.</summary>
    [Description("Whether velocities in the loss are those with the model's guidance; otherwise the caption's alone.")]
    public bool Guided { get; init; }
}

/// <summary>Where fakes come from.</summary>
public enum FakeSource
{
    /// <summary>The prompt source.</summary>
    [JsonStringEnumMemberName("pictures")]
    Pictures,

    /// <summary>Rollouts of the reference.</summary>
    [JsonStringEnumMemberName("generated")]
    Generated,
}
