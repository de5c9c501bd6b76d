using LeapAlign.Contracts.Adapters;
using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Contracts.Weights;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Host.Kernel;

/// <summary>
/// Whether an adapter does something. Published trainers have run to their end with adapters that were attached to nothing, whose gradient was cut off, or whose
/// file another program read without effect; nothing said so.
/// </summary>
internal static class AdapterEffect
{
    // Rounding of factors in the precision of the network moves an output by about this part of what the adapter moves it by.
    private const double Tolerance = 0.05;

    /// <summary>Whether a gradient is anything but zeros.</summary>
    public static bool Moves(Tensor gradient)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        return gradient.count_nonzero().item<long>() > 0;
    }

    /// <summary>Looks at the gradients of an update, before it is made.</summary>
    /// <param name="adapter">The adapter.</param>
    /// <param name="moves">Whether a parameter has a gradient somewhere, <see cref="Moves"/> of it for instance.</param>
    /// <param name="first">Whether it is the first update that has a gradient. A factor that begins at zero hides the gradient of the other one until then.</param>
    /// <returns>Null when every attached layer learns; otherwise the fault that names those that do not.</returns>
    public static Fault? OfGradients(IAttachedAdapter adapter, Func<Parameter, bool> moves, bool first)
    {
        List<string> still = [];
        foreach (var site in adapter.Bound)
        {
            var moving = adapter.ParametersOf(site).Count(moves);
            if (first ? moving == 0 : moving < adapter.ParametersOf(site).Count) still.Add(site.Name);
        }
        if (still.Count == 0) return null;
        var named = string.Join(", ", still.Take(10).Select(static name => $"'{name}'"));
        return new Fault.Run(FaultCodes.AdapterWithoutEffect, $"the adapter has no gradient at {still.Count} of its {adapter.Bound.Count} layers: {named}{(still.Count > 10 ? ", ..." : "")}; they would learn nothing");
    }

    /// <summary>Reads what was exported, and compares what it does to a velocity with what the trained adapter does.</summary>
    /// <param name="model">The model and its adapter.</param>
    /// <param name="folder">The adapter's files.</param>
    /// <param name="trained">What was written.</param>
    /// <returns>A fault when the file does nothing although the adapter does, or something else.</returns>
    public static Result<Unit> OfFile(TrainedModel model, string folder, Policy trained) => model.Adapter!.Read(folder).Bind<IReadOnlyList<Tensor>, Unit>(read =>
    {
        using var scope = NewDisposeScope();
        using var gradients = no_grad();
        using var file = new Policy("file", read);
        using var written = new Policy(trained.Name, model.OfAdapter(trained.Values));
        try
        {
            var without = Velocity(model, () => model.Adapter.SwitchOff());
            var wanted = Velocity(model, () => model.Adapter.Use(written));
            var found = Velocity(model, () => model.Adapter.Use(file));
            var effect = Largest(wanted - without);
            var difference = Largest(wanted - found);
            if (effect == 0 || difference <= Tolerance * effect) return Unit.Value;
            var place = new SourcePlace(folder);
            return Largest(found - without) == 0
                ? new Fault.Run(FaultCodes.AdapterWithoutEffect, FormattableString.Invariant($"the exported adapter was read back and has no effect, but the trained one moves a velocity by {effect:G3}"), place)
                : new Fault.Run(FaultCodes.AdapterWithoutEffect, FormattableString.Invariant($"the exported adapter was read back and moves a velocity by {difference:G3} otherwise than the trained one, which moves it by {effect:G3}"), place);
        }
        finally
        {
            foreach (var tensor in read) tensor.Dispose();
        }
    });

    private static Tensor Velocity(TrainedModel model, Func<IDisposable> use)
    {
        using var used = use();
        var network = model.Model;
        // Of what was trained: the model's own size may cost a hundred times as much.
        var size = model.Size ?? network.NativeSize;
        var space = network.Latents(size).Match(static latents => latents, static fault => throw new FaultException(fault));
        using var conditioning = network.Encode(new ConditioningRequest([""], Guidance.None, size));
        var device = model.Trained.Parameters[0].Value.device;
        using var latents = RandomKey.OfRun(0).For("adapter").For("check").Normal(space.Batch(1), device);
        return network.Velocity(latents, [0.5], conditioning);
    }

    private static double Largest(Tensor values) => values.abs().max().item<float>();
}
