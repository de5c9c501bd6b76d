using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.FewSteps.Pairs;

/// <summary>
/// Pairs of noise and sample for the samples of a step: those of the store, and new ones where it has none. The policy that training started from makes them, by the run's sampler and
/// guidance. A pair is a function of what the store is, so neither the order in which pairs are made nor the batch or the process that needs one changes any of them.
/// </summary>
/// <param name="settings">How many, and where they are kept.</param>
/// <param name="context">Resolves paths, and asks to stop.</param>
internal sealed class PairSource(PairSettings settings, PartContext context)
{
    private PairIdentity? _identity;
    private PairStore? _store;

    /// <summary>Which states of a rollout are kept, and how they are made: the last one of the sampler's path unless another is said.</summary>
    public KeptStates States { get; init; } = new(PairIdentity.LastState, 1, static (batch, noise) => batch.Sampler.Roll(noise, batch.Path).unsqueeze(1));

    /// <summary>Finds the store, where it is known what the run's pairs are.</summary>
    /// <param name="algorithm">For whose message.</param>
    /// <param name="shape">The run.</param>
    public Result<Unit> Check(string algorithm, RunShape shape)
    {
        if (settings.Pairs % settings.Together != 0)
            return new Fault.Composition(FaultCodes.SettingsDoNotFit, $"'{algorithm}' makes {settings.Together} pairs together, and {settings.Pairs} of each caption are no multiple of that; change pairs or together");
        if (shape.Origin is not { } origin) return Unit.Value;
        _identity = PairIdentity.Of(origin(), settings, States.Name);
        return PairStore.Open(Folder, _identity, context.RunFolder, States.Count).Bind(store =>
        {
            _store = store;
            return settings.Make || store.IsBegun
                ? Unit.Value
                : Result.Fail<Unit>(new Fault.Input(FaultCodes.PairsDamaged, $"'{algorithm}' is not to make pairs (make is false), and there are none of this model, sampler and guidance", new SourcePlace(store.Folder)));
        });
    }

    /// <summary>One pair for each sample of a micro-batch, of the sample's caption.</summary>
    /// <param name="step">Keeps them.</param>
    /// <param name="batch">The samples.</param>
    /// <param name="keys">The key of each sample's draws: the number of its pair is the first of them.</param>
    public KeptPairs Of(AlignmentStep step, MicroBatch batch, IReadOnlyList<KeyedRandom> keys)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var wanted = keys.Select((key, sample) => Wanted(batch.Prompts[sample], key.NextInt(0, settings.Pairs))).ToArray();
        PairBlock[] blocks = [.. wanted.Select(static pair => pair.Block).Distinct()];
        foreach (var block in blocks.Where(block => !Store.Holds(block))) Make(step, batch.Select([.. Enumerable.Repeat(Array.FindIndex(wanted, pair => pair.Block == block), settings.Together)]), block);
        using var rows = tensor(wanted.Select(pair => ((long)Array.IndexOf(blocks, pair.Block) * settings.Together) + pair.Row).ToArray(), dtype: ScalarType.Int64).to(batch.Noise.device);
        var type = batch.Noise.dtype;
        var states = cat([.. blocks.Select(block => Store.Read(block).Match(static read => read, static fault => throw new FaultException(fault)))]).to(type, batch.Noise.device);
        var noise = cat([.. blocks.Select(block => Noise(block, batch.Noise.device))]).to(type);
        return new KeptPairs(batch, step.Keep(states.index_select(0, rows)), step.Keep(noise.index_select(0, rows)));
    }

    private string Folder => context.Resolve(settings.Store ?? Path.Combine(Path.GetDirectoryName(context.RunFolder) ?? "", "pairs"));

    private PairStore Store => _store ?? throw new InvalidOperationException("pairs are asked for before the run was checked");

    private (PairBlock Block, int Row) Wanted(Prompt prompt, int number) => (new PairBlock(prompt.Text, number / settings.Together), number % settings.Together);

    private Tensor Noise(PairBlock block, Device device) => block.Noise(settings.Seed).Normal([settings.Together, .. _identity!.Latents], device);

    private void Make(AlignmentStep step, MicroBatch together, PairBlock block)
    {
        if (!settings.Make)
            throw new FaultException(new Fault.Input(FaultCodes.PairsDamaged, $"pairs of the caption '{block.Caption}' are not in the store, and none are made (make is false)", new SourcePlace(Store.PathOf(block))));
        // What was made is kept: a run that is asked to stop among many rollouts loses none but the one under way.
        context.Stop.ThrowIfCancellationRequested();
        using var scope = NewDisposeScope();
        using var first = step.Use(PolicyCopy.Reference);
        using var _ = no_grad();
        var samples = States.Roll(together, Noise(block, together.Noise.device).to(together.Noise.dtype));
        if (!samples.isfinite().all().item<bool>())
            throw new FaultException(new Fault.Run(FaultCodes.NotFinite, $"the model's samples of the caption '{block.Caption}' are not finite, and cannot be learned from"));
        if (!Store.Write(block, samples).TryGet(out var _, out var fault)) throw new FaultException(fault);
    }
}
