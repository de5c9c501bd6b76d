namespace LeapAlign.Contracts.Models;

/// <summary>What scheduler_config.json says, in the words of diffusers' FlowMatchEulerDiscreteScheduler.</summary>
public sealed record FlowScheduling
{
    /// <summary>Noise levels of the training table.</summary>
    public int TrainingSteps { get; init; } = 1000;

    /// <summary>The static shift s of <c>S(u) = s u / (1 + (s−1) u)</c>.</summary>
    public double Shift { get; init; } = 1;

    /// <summary>Whether the shift depends on the number of image tokens instead.</summary>
    public bool UseDynamicShifting { get; init; }

    /// <summary>The form of the shift that depends on the number of image tokens.</summary>
    public TimeShift TimeShift { get; init; }

    /// <summary>μ at <see cref="BaseImageTokens"/>.</summary>
    public double BaseShift { get; init; } = 0.5;

    /// <summary>μ at <see cref="MaxImageTokens"/>.</summary>
    public double MaxShift { get; init; } = 1.15;

    /// <summary>The smaller anchor of the dynamic shift.</summary>
    public int BaseImageTokens { get; init; } = 256;

    /// <summary>The larger anchor of the dynamic shift.</summary>
    public int MaxImageTokens { get; init; } = 4096;

    /// <summary>Image tokens of a picture of the model's native size.</summary>
    public int ImageTokens { get; init; } = 4096;

    /// <summary>What the last level before 0 is stretched to, in (0, 1); null leaves the levels as the shift gives them.</summary>
    public double? TerminalSigma { get; init; }

    /// <summary>How levels are spaced between the first and the last of the shifted ones.</summary>
    public SigmaSpacing Spacing { get; init; }

    /// <summary>The last level before 0 of a spacing that is not <see cref="SigmaSpacing.Flow"/>; null takes that of the shifted levels.</summary>
    public double? LowestSigma { get; init; }

    /// <summary>The first level of a spacing that is not <see cref="SigmaSpacing.Flow"/>; null takes that of the shifted levels.</summary>
    public double? HighestSigma { get; init; }

    /// <summary>The same for pictures of another size: a dynamic shift takes the number of their tokens.</summary>
    public FlowScheduling For(LatentSpace latents)
    {
        ArgumentNullException.ThrowIfNull(latents);
        return this with { ImageTokens = latents.ImageTokens };
    }
}

/// <summary>The shift of a level u by μ.</summary>
public enum TimeShift
{
    /// <summary><c>e^μ / (e^μ + (1/u − 1))</c>.</summary>
    Exponential,

    /// <summary><c>μ / (μ + (1/u − 1))</c>.</summary>
    Linear,
}

/// <summary>How noise levels are spaced between their ends.</summary>
public enum SigmaSpacing
{
    /// <summary>As the shift leaves them.</summary>
    Flow,

    /// <summary>Evenly in σ^(1/7) (Karras et al. 2022).</summary>
    Karras,

    /// <summary>Evenly in log σ.</summary>
    Exponential,

    /// <summary>By quantiles of the beta distribution with both parameters 0.6 (Lee et al. 2024).</summary>
    Beta,
}
