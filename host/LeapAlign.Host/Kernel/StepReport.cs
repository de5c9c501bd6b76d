using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Rewards;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Host.Kernel;

/// <summary>What one optimizer step did.</summary>
internal sealed record StepReport
{
    /// <summary>From 0.</summary>
    public required int Index { get; init; }

    public required double Loss { get; init; }

    /// <summary>Mean of each trained reward over the batch, by name.</summary>
    public required IReadOnlyDictionary<string, double> Rewards { get; init; }

    /// <summary>Means of what the algorithm measured, by name.</summary>
    public required Measured Measurements { get; init; }

    /// <summary>L2 norm before clipping.</summary>
    public required double GradientNorm { get; init; }

    /// <summary>The share of the updates whose gradient was clipped.</summary>
    public double Clipped { get; init; }

    public required double Rate { get; init; }

    /// <summary>Optimizer updates of this step.</summary>
    public required int Updates { get; init; }

    /// <summary>Updates that the guard left out.</summary>
    public required int Skipped { get; init; }

    /// <summary>Network evaluations for each sample of this step.</summary>
    public required double Evaluations { get; init; }

    /// <summary>Those of them that were recorded for a backward.</summary>
    public required double GradientEvaluations { get; init; }

    public required double Seconds { get; init; }

    /// <summary>Seconds by stage.</summary>
    public required IReadOnlyDictionary<string, double> Stages { get; init; }

    /// <summary>Seconds for which each process of the run waited for the others, by rank; empty in a run of one.</summary>
    public IReadOnlyList<double> Waited { get; init; } = [];
}

/// <summary>A checkpoint that is on the disk.</summary>
/// <param name="Step">Steps done before it.</param>
/// <param name="Bytes">Of its files.</param>
/// <param name="StandstillSeconds">Seconds for which the run stood still: waiting for the checkpoint before it, and copying.</param>
/// <param name="WriteSeconds">Seconds of writing beside the run.</param>
internal sealed record CheckpointReport(int Step, long Bytes, double StandstillSeconds, double WriteSeconds);

/// <summary>What an evaluation found.</summary>
internal sealed record EvaluationReport
{
    /// <summary>Optimizer steps done before it.</summary>
    public required int Step { get; init; }

    /// <summary>How its pictures were drawn; null when nobody says.</summary>
    public DrawnAs? Drawn { get; init; }

    /// <summary>What was drawn beside it, in the order of plugins.json: those that were due.</summary>
    public IReadOnlyList<EvaluationReport> Previews { get; init; } = [];

    /// <summary>Network evaluations for each picture.</summary>
    public double Evaluations { get; init; }

    /// <summary>Mean of every reward, by name.</summary>
    public required IReadOnlyDictionary<string, double> Rewards { get; init; }

    /// <summary>Mean of every reward in each task that prompts name; empty when they name none.</summary>
    public required IReadOnlyDictionary<string, IReadOnlyDictionary<string, double>> Tasks { get; init; }

    /// <summary>Every reward of each picture, by name; empty when it is read from a file.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<double>> Scores { get; init; } = new Dictionary<string, IReadOnlyList<double>>();

    /// <summary>Measures of artefacts and diversity, by name: a value for each picture or caption.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<double>> Measures { get; init; } = new Dictionary<string, IReadOnlyList<double>>();

    /// <summary>The mean of each measure, by name.</summary>
    public IReadOnlyDictionary<string, double> MeasureMeans => Measures.ToDictionary(static measure => measure.Key, static measure => measure.Value.Average());

    /// <summary>What the user should know of it, beside what the sentinel finds.</summary>
    public IReadOnlyList<Fault> Warnings { get; init; } = [];

    /// <summary>Those of its previews, too.</summary>
    public IEnumerable<Fault> AllWarnings => Warnings.Concat(Previews.SelectMany(static preview => preview.Warnings));

    public required int Images { get; init; }

    /// <summary>The SHA-256 of all pictures as they were scored; null when it is read from a file.</summary>
    public string? PicturesSha256 { get; init; }

    public required double Seconds { get; init; }

    /// <summary>The first pictures, with their captions and scores, for the sample grid.</summary>
    public required IReadOnlyList<SamplePicture> Samples { get; init; }
}

/// <summary>How the pictures of an evaluation were drawn.</summary>
/// <param name="Preview">The name of the preview; null for the evaluation itself.</param>
/// <param name="Size">Their size.</param>
/// <param name="Steps">Sampling steps.</param>
/// <param name="Guidance">How strongly captions steered.</param>
internal sealed record DrawnAs(string? Preview, ImageSize Size, int Steps, double Guidance)
{
    /// <inheritdoc/>
    public override string ToString() => FormattableString.Invariant($"{Size}, {Steps} steps, guidance {Guidance}");
}

/// <summary>A picture of an evaluation.</summary>
/// <param name="Caption">Its caption.</param>
/// <param name="Scores">Its rewards, by name.</param>
/// <param name="Width">In pixels.</param>
/// <param name="Height">In pixels.</param>
/// <param name="Pixels">Rows of red, green and blue bytes.</param>
internal sealed record SamplePicture(string Caption, IReadOnlyDictionary<string, double> Scores, int Width, int Height, byte[] Pixels)
{
    /// <summary>Rounds a picture to 8 bits.</summary>
    /// <param name="image">[3, H, W] in [0, 1].</param>
    /// <param name="caption">Its caption.</param>
    /// <param name="scores">Its rewards, by name.</param>
    public static SamplePicture Of(Tensor image, string caption, IReadOnlyDictionary<string, double> scores)
    {
        using var batch = image.unsqueeze(0);
        var picture = PictureBytes.Of(batch)[0];
        return new SamplePicture(caption, scores, picture.Width, picture.Height, picture.Rgb.ToArray());
    }
}
