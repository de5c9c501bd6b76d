using LeapAlign.Contracts.Models;
using LeapAlign.Host.Composition;
using LeapAlign.Host.Live;
using LeapAlign.Host.Runs.Folders;
using LeapAlign.Host.Runtime;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Commands;

/// <summary>What <c>train</c> does with a plan.</summary>
internal interface ITraining
{
    /// <summary>Runs to the end, or until it is asked to stop after the current step. Synchronous: tensors belong to one thread.</summary>
    /// <param name="plan">The run. Parts are made, and disposed, inside.</param>
    /// <param name="options">What the command line says beside plugins.json.</param>
    /// <param name="stop">Asks to stop; what was done is kept and exported.</param>
    /// <returns>Whether all steps were done.</returns>
    Result<Completion> Train(RunPlan plan, TrainOptions options, CancellationToken stop);
}

/// <summary>Options of <c>train</c>.</summary>
/// <param name="Force">Whether a run folder of the same name is replaced.</param>
/// <param name="Tuning">How this process was tuned.</param>
/// <param name="Source">What the plan was composed from.</param>
internal sealed record TrainOptions(bool Force, StartupTuning Tuning, CompositionSource Source)
{
    /// <summary>The run that is gone on with; null begins a new one.</summary>
    public ResumeOptions? Resume { get; init; }

    /// <summary>Takes the run folder as soon as there is one; null when nobody watches.</summary>
    public WatchedRun? Watched { get; init; }
}

/// <summary>How a run is gone on with.</summary>
/// <param name="Folder">Its folder.</param>
/// <param name="AllowedChanges">Keys of plugins.json that may differ from then.</param>
internal sealed record ResumeOptions(RunFolder Folder, IReadOnlyList<string> AllowedChanges);

/// <summary>What <c>generate</c> does with a plan.</summary>
internal interface IGeneration
{
    /// <summary>Writes a picture for each caption. Synchronous: tensors belong to one thread.</summary>
    /// <param name="plan">Whose model and sampler are used.</param>
    /// <param name="options">What the command line says.</param>
    /// <param name="stop">Asks to stop after the current batch.</param>
    /// <returns>Whether every picture was drawn.</returns>
    Result<Completion> Generate(RunPlan plan, GenerateOptions options, CancellationToken stop);
}

/// <summary>Options of <c>generate</c>.</summary>
/// <param name="Captions">The captions; none takes those of the plan's evaluation prompts, or of its prompts.</param>
/// <param name="Output">The folder for the pictures.</param>
/// <param name="Seed">The seed of the noise.</param>
/// <param name="Steps">Sampling steps; null takes those of the sampler.</param>
/// <param name="ImagesPerPrompt">Pictures for each caption.</param>
internal sealed record GenerateOptions(IReadOnlyList<string> Captions, string Output, long Seed, int? Steps, int ImagesPerPrompt)
{
    /// <summary>The size of the pictures; null takes the model's own.</summary>
    public ImageSize? Size { get; init; }

    /// <summary>The option of <see cref="Rows"/>.</summary>
    public const string RowsOption = "--rows";

    /// <summary>A file that takes a row for each picture, or <see cref="OutputFile.StandardOutput"/>; null for none.</summary>
    public string? Rows { get; init; }

    /// <summary>Whether the clean latents of each picture are written beside it.</summary>
    public bool Latents { get; init; }
}
