using System.Security.Cryptography;
using System.Text;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Contracts.Ranks;
using LeapAlign.Pipeline;
using Microsoft.Extensions.Logging;
using static TorchSharp.torch;

namespace LeapAlign.Collectives.Mpi;

/// <summary>
/// The processes of MPI_COMM_WORLD. Calls are made by the thread that computes, and wait in native code; another thread may end the process meanwhile. Tensors on a device
/// go through host memory.
/// </summary>
internal sealed partial class MpiWorld : ICommunicator, IDisposable
{
    // MPI counts bytes in an int.
    private const long LargestPiece = 1L << 30;

    private readonly MpiCalls _calls;

    private MpiWorld(MpiCalls calls, string description)
    {
        _calls = calls;
        Description = description;
        (Rank, World) = calls.Place();
        (LocalRank, LocalWorld) = OfMachine();
    }

    /// <inheritdoc/>
    public string Description { get; }

    /// <inheritdoc/>
    public int Rank { get; }

    /// <inheritdoc/>
    public int World { get; }

    /// <inheritdoc/>
    public int LocalRank { get; }

    /// <inheritdoc/>
    public int LocalWorld { get; }

    /// <summary>Joins the processes that a launcher started; one alone loads no library.</summary>
    /// <returns>LA3006 for another number of processes than expected, or a library that does not go with the launcher; LA5037 when there is none, or it fails.</returns>
    public static Result<ICommunicator> Join(MpiSettings settings, PartContext context) => Join(settings, context, Launcher.Here);

    internal static Result<ICommunicator> Join(MpiSettings settings, PartContext context, Launcher? launcher)
    {
        if (launcher is null || launcher.World == 1) return Expected(settings, null) is { } alone ? alone : new OneOfMpi();
        if (launcher.Name == Launcher.TorchRun) return Unfit("torchrun starts processes that find each other over TCP, which MPI does not do: start them with mpirun, mpiexec or srun", everywhere: true);
        // What the launcher says first: it is known before a library is loaded.
        if (launcher.World is { } said && Expected(settings, said) is { } other) return other;
        MpiCalls.PrepareEnvironment();
        return MpiLibrary.Find(launcher).Bind(library => Joined(library, settings, context, launcher));
    }

    private static Result<ICommunicator> Joined(MpiLibrary library, MpiSettings settings, PartContext context, Launcher launcher)
    {
        try
        {
            var calls = new MpiCalls(library);
            calls.Initialize();
            var version = MpiLibrary.Brief(calls.Version());
            var world = new MpiWorld(calls, $"{version} ({library.File}), started by {launcher.Name}");
            var unfit = launcher.World is { } started && started != world.World
                ? Unfit($"{launcher.Name} started {started} processes, but {version} ({library.File}) joins {world.World}: it is not the library of that launcher; let {MpiLibrary.Variable} name the one that is, or start the run with its own launcher", everywhere: false)
                : Expected(settings, world.World);
            if (unfit is not null)
            {
                world.Dispose();
                return unfit;
            }
            if (world.Rank == 0) Joined(context.Logger, world.World, world.Description);
            return world;
        }
        catch (FaultException exception)
        {
            return exception.Fault;
        }
    }

    /// <inheritdoc/>
    public void Exchange(Tensor from, Tensor into)
    {
        ArgumentNullException.ThrowIfNull(from);
        ArgumentNullException.ThrowIfNull(into);
        if (from.numel() == 0) return;
        using var scope = NewDisposeScope();
        var (source, target) = (Here(from), Here(into));
        Bounded(source);
        _calls.AllToAll(source.bytes, target.bytes, source.bytes.Length / World);
        Back(target, into);
    }

    /// <inheritdoc/>
    public void Gather(Tensor from, Tensor into)
    {
        ArgumentNullException.ThrowIfNull(from);
        ArgumentNullException.ThrowIfNull(into);
        if (from.numel() == 0) return;
        using var scope = NewDisposeScope();
        var (source, target) = (Here(from), Here(into));
        Bounded(target);
        _calls.AllGather(source.bytes, target.bytes);
        Back(target, into);
    }

    /// <inheritdoc/>
    public void Broadcast(Tensor tensor, int root)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        if (tensor.numel() == 0) return;
        using var scope = NewDisposeScope();
        var here = Here(tensor);
        var flat = here.view(-1);
        var piece = LargestPiece / tensor.ElementSize;
        for (long at = 0; at < flat.numel(); at += piece) _calls.Broadcast(flat.narrow(0, at, Math.Min(piece, flat.numel() - at)).bytes, root);
        Back(here, tensor);
    }

    /// <inheritdoc/>
    public void Swap(int other, Tensor from, Tensor into)
    {
        ArgumentNullException.ThrowIfNull(from);
        ArgumentNullException.ThrowIfNull(into);
        if (from.numel() == 0) return;
        using var scope = NewDisposeScope();
        var (source, target) = (Here(from), Here(into));
        Bounded(source);
        _calls.Swap(other, source.bytes, target.bytes);
        Back(target, into);
    }

    /// <inheritdoc/>
    public void Abort(int exitCode) => _calls.Abort(exitCode);

    /// <inheritdoc/>
    public void Dispose() => _calls.End();

    private static Tensor Here(Tensor tensor) => tensor.device_type == TorchSharp.DeviceType.CPU ? tensor.alias() : tensor.cpu();

    private static void Back(Tensor here, Tensor tensor)
    {
        if (tensor.device_type == TorchSharp.DeviceType.CPU) return;
        using var _ = no_grad();
        tensor.copy_(here);
    }

    private static void Bounded(Tensor tensor)
    {
        if (tensor.numel() * tensor.ElementSize > LargestPiece) throw new ArgumentException($"{tensor.numel()} elements are more than one exchange takes; send them in pieces", nameof(tensor));
    }

    // The processes of one start of one system share memory and processors, whatever their containers are called.
    private (int Rank, int World) OfMachine()
    {
        const string start = "/proc/sys/kernel/random/boot_id";
        var machine = SHA256.HashData(Encoding.UTF8.GetBytes(File.Exists(start) ? File.ReadAllText(start) : Environment.MachineName));
        var all = new byte[machine.Length * World];
        _calls.AllGather(machine, all);
        bool[] here = [.. Enumerable.Range(0, World).Select(rank => all.AsSpan(rank * machine.Length, machine.Length).SequenceEqual(machine))];
        return (here.Take(Rank).Count(static same => same), here.Count(static same => same));
    }

    // Null where no launcher started several.
    private static Fault.Composition? Expected(MpiSettings settings, int? world) => settings.ExpectedWorldSize is { } expected && expected != (world ?? 1)
        ? Unfit($"{expected} processes were expected (expectedWorldSize), but {(world is null ? "this one was started alone" : $"{world} were started")}", everywhere: world is not null) with { Advice = [$"mpirun -n {expected} leapalign train"] }
        : null;

    // What every process finds alike is told by the first.
    private static Fault.Composition Unfit(string message, bool everywhere) => new(FaultCodes.WorldSize, message, new SourcePlace("plugins.json", Key: "collective")) { Rank = everywhere ? 0 : null };

    [LoggerMessage(Level = LogLevel.Information, Message = "{World} processes, joined by {Library}")]
    private static partial void Joined(ILogger logger, int world, string library);
}
