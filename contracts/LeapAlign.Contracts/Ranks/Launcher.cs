using System.Globalization;

namespace LeapAlign.Contracts.Ranks;

/// <summary>What the variables of the environment say of the launcher that started this process as one of several.</summary>
/// <param name="Name">The launcher, as users know it.</param>
/// <param name="Rank">This process among all that were started.</param>
/// <param name="World">Their number; null where it is not said.</param>
/// <param name="LocalWorld">Their number on this machine; null where it is not said.</param>
public sealed record Launcher(string Name, int Rank, int? World, int? LocalWorld)
{
    /// <summary>Open MPI's <c>mpirun</c>.</summary>
    public const string OpenMpi = "mpirun of Open MPI";

    /// <summary>MPICH's <c>mpiexec</c>, and those of its relatives.</summary>
    public const string Hydra = "mpiexec of MPICH";

    /// <summary>Slurm's <c>srun</c>.</summary>
    public const string Slurm = "srun";

    /// <summary>A launcher that speaks PMIx, which is none of those above.</summary>
    public const string PmiX = "a PMIx launcher";

    /// <summary><c>torchrun</c>, and what sets its variables.</summary>
    public const string TorchRun = "torchrun";

    /// <summary>The one that started this process; null for none.</summary>
    public static Launcher? Here { get; } = Of(Environment.GetEnvironmentVariable);

    /// <summary>Whether several processes were started, or may have been.</summary>
    public bool StartsSeveral => World is null or > 1;

    /// <summary>Reads what the variables say. Where several speak, the one nearest to the process does: <c>mpirun</c> inside an allocation of Slurm is <c>mpirun</c>.</summary>
    /// <param name="variable">The value of a variable; null for none.</param>
    public static Launcher? Of(Func<string, string?> variable)
    {
        ArgumentNullException.ThrowIfNull(variable);
        if (Number("OMPI_COMM_WORLD_RANK") is { } openMpi) return new(OpenMpi, openMpi, Number("OMPI_COMM_WORLD_SIZE"), Number("OMPI_COMM_WORLD_LOCAL_SIZE"));
        // srun speaks PMI too. A script of sbatch has the variables of its job, but none of a step.
        if (Number("SLURM_STEP_NUM_TASKS") is { } tasks && Number("SLURM_PROCID") is { } task) return new(Slurm, task, tasks, TasksOfNode(variable("SLURM_STEP_TASKS_PER_NODE"), Number("SLURM_NODEID") ?? 0));
        if (Number("PMI_RANK") is { } pmi) return new(Hydra, pmi, Number("PMI_SIZE"), Number("MPI_LOCALNRANKS"));
        if (Number("PMIX_RANK") is { } pmix) return new(PmiX, pmix, null, null);
        return Number("RANK") is { } rank && Number("WORLD_SIZE") is { } world ? new(TorchRun, rank, world, Number("LOCAL_WORLD_SIZE")) : null;

        int? Number(string name) => int.TryParse(variable(name), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
    }

    // "2(x3),1": three machines with two tasks each, then one with one.
    private static int? TasksOfNode(string? list, int node)
    {
        foreach (var entry in list?.Split(',') ?? [])
        {
            var parts = entry.TrimEnd(')').Split("(x");
            if (!int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out var tasks)) return null;
            var nodes = parts.Length == 2 && int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out var several) ? several : 1;
            if (node < nodes) return tasks;
            node -= nodes;
        }
        return null;
    }
}
