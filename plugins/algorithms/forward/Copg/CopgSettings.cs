using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using LeapAlign.Algorithms.Forward.Samples;
using LeapAlign.Methods.Times;

namespace LeapAlign.Algorithms.Forward.Copg;

/// <summary>Settings of <c>copg</c>.</summary>
public sealed record CopgSettings : SampleTimeSettings
{
    /// <summary>Two draws, uniform in σ.</summary>
    public CopgSettings()
    {
        Timesteps = 2;
        Times = TimeKind.Uniform;
    }

    /// <summary>Where scored samples come from.</summary>
    [Description("Where scored samples come from: pictures (those of the prompt source, with their scores; nothing is rolled out) or online (each step's groups, rolled out by the trained policy and scored by the rewards).")]
    public SampleSource Source { get; init; }

    /// <summary>K of pictures.</summary>
    [Description("K, pictures of a prompt that are compared in a step, drawn anew each time from those that it has. Online it is run.group.")]
    [Range(2, 64)]
    public int Group { get; init; } = 2;

    /// <summary>β.</summary>
    [Description("Weight beta of the distance to the reference, for rewards of deviation 1: the optimum is the reference times exp(reward / beta). Low values collapse without a sign in the loss; high ones hold everything back.")]
    [Range(1e-6, 1e6)]
    public double Beta { get; init; } = 0.1;

    /// <summary>W.</summary>
    [Description("W: minus W/2 times how much the flow-matching error grew over the reference's stands for the log-ratio of the policies. Errors are means over the latents.")]
    [Range(1e-6, 1e9)]
    public double LikelihoodScale { get; init; } = 100;

    /// <summary>Whether the trained policy is evaluated with guidance.</summary>
    [Description("Whether velocities in the loss are those with the model's guidance; otherwise the caption's alone.")]
    public bool Guided { get; init; }

    /// <summary>Whether samples are rolled out with guidance.</summary>
    [Description("Whether online samples are rolled out with the model's guidance.")]
    public bool RolloutGuided { get; init; } = true;
}
