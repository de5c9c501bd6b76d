namespace LeapAlign.Algorithms.Grpo.Settings;

/// <summary>Settings of <c>flow-grpo</c>. The defaults are those of arXiv 2505.05470 for Stable Diffusion 3.5 on GenEval and OCR.</summary>
public sealed record FlowGrpoSettings : GrpoSettings
{
    /// <summary>The published values.</summary>
    public FlowGrpoSettings()
    {
        KlWeight = 0.04;
        Updates = 2;
    }
}
