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
}
