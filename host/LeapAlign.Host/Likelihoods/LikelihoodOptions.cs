using LeapAlign.Contracts.Models;
using LeapAlign.Host.Commands;

namespace LeapAlign.Host.Likelihoods;

/// <summary>Options of <c>likelihood</c>.</summary>
/// <param name="Pictures">Files and folders, as the user named them.</param>
/// <param name="Caption">The caption of all; null where a file has them, or the captions of evaluation are drawn.</param>
/// <param name="Captions">The file of pictures and captions, as the user named it; null for none.</param>
internal sealed record LikelihoodOptions(IReadOnlyList<string> Pictures, string? Caption, string? Captions)
{
    /// <summary>Pictures for each caption that the model draws, in the place of files; 0 for files.</summary>
    public int Drawn { get; init; }

    /// <summary>The size of drawn pictures; null for the model's own.</summary>
    public ImageSize? Size { get; init; }

    /// <summary>The seed of noise and probes.</summary>
    public long Seed { get; init; }

    /// <summary>Steps of the solver; null takes those of the sampler.</summary>
    public int? Steps { get; init; }

    /// <summary>The solver.</summary>
    public FlowSolver Solver { get; init; } = FlowSolver.Heun;

    /// <summary>How the divergence is estimated, each a column.</summary>
    public IReadOnlyList<DivergenceForm> Forms { get; init; } = [DivergenceForm.Signs, DivergenceForm.Coordinates];

    /// <summary>Backward products of one estimate at one evaluation.</summary>
    public int Products { get; init; } = 8;

    /// <summary>The side of a tile of latents.</summary>
    public int Tile { get; init; } = 4;

    /// <summary>Where the table goes as JSON; null for nowhere.</summary>
    public string? Json { get; init; }

    /// <summary>Where the table goes as comma-separated values; null for nowhere.</summary>
    public string? Csv { get; init; }

    /// <summary>The files that are written.</summary>
    public IEnumerable<string> Files => new[] { Json, Csv }.OfType<string>().Where(static path => path != OutputFile.StandardOutput);

    /// <summary>Whether standard output is for data alone.</summary>
    public bool TakesOutput => Json == OutputFile.StandardOutput || Csv == OutputFile.StandardOutput;
}

/// <summary>How a divergence is estimated.</summary>
internal enum DivergenceForm
{
    /// <summary>Vectors of signs over all dimensions.</summary>
    Signs,

    /// <summary>Some coordinates, without replacement.</summary>
    Coordinates,

    /// <summary>Some tiles of latents, with vectors of signs in each.</summary>
    Tiles,

    /// <summary>All coordinates.</summary>
    Exact,
}
