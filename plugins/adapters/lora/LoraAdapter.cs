using LeapAlign.Adapters.Files;
using LeapAlign.Contracts.Adapters;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Adapters.Lora;

/// <summary>
/// LoRA (Hu et al. 2021, arXiv:2106.09685): <c>y + alpha/rank · B A x</c> beside linear layers whose own weights are frozen. A begins gaussian with the standard deviation 1/rank, as in PEFT, and B with
/// zeros, so that the model is what it was. There is no dropout.
/// </summary>
/// <param name="settings">Rank, alpha, layers, and where training goes on from.</param>
/// <param name="context">The run.</param>
public sealed class LoraAdapter(LoraSettings settings, PartContext context) : IAdapter
{
    /// <inheritdoc/>
    public Result<IAttachedAdapter> Attach(IReadOnlyList<AdapterSite> sites, RandomKey random)
    {
        ArgumentNullException.ThrowIfNull(sites);
        ArgumentNullException.ThrowIfNull(random);
        if (settings.From is null)
        {
            var named = settings.Targets is { } targets ? Find(targets, sites) : Result.Ok(LoraTargets.Default(sites));
            return named.Bind(bound => Attach(bound, new LoraWeights(), sites, random));
        }
        var path = context.Resolve(settings.From);
        return LoraFile.Read(path, sites, context.Warn).Bind(read => Layers(read, path, sites).Match(
            bound => Attach(bound, read, sites, random),
            fault =>
            {
                read.Dispose();
                return Result.Fail<IAttachedAdapter>(fault);
            }));
    }

    private Result<IReadOnlyList<AdapterSite>> Find(IReadOnlyList<string> targets, IReadOnlyList<AdapterSite> sites) => LoraTargets.Find(targets, sites, context.Name);

    private Result<IReadOnlyList<AdapterSite>> Layers(LoraWeights read, string path, IReadOnlyList<AdapterSite> sites)
    {
        if (settings.Targets is null) return Result.Ok<IReadOnlyList<AdapterSite>>([.. sites.Where(site => read.Modules.ContainsKey(site.Name))]);
        return Find(settings.Targets, sites).Bind(bound =>
        {
            var left = read.Modules.Keys.Except(bound.Select(static site => site.Name)).ToArray();
            return left.Length == 0
                ? Result.Ok(bound)
                : new Fault.Composition(FaultCodes.SettingsDoNotFit, $"{context.Name}: {path} has factors for {left.Length} layers that the targets do not name, '{left[0]}' for instance; without targets the layers of the file are trained");
        });
    }

    // The factors of the file, and new ones for the other layers.
    private Result<IAttachedAdapter> Attach(IReadOnlyList<AdapterSite> bound, LoraWeights read, IReadOnlyList<AdapterSite> sites, RandomKey random)
    {
        using (read)
        {
            var wide = bound.FirstOrDefault(site => !read.Modules.ContainsKey(site.Name) && settings.Rank > Math.Min(site.Inputs, site.Outputs));
            if (wide is not null)
                return new Fault.Composition(FaultCodes.SettingsDoNotFit, $"{context.Name}: rank {settings.Rank} is more than layer '{wide.Name}' has: it maps {wide.Inputs} to {wide.Outputs}, so that the rank is at most {Math.Min(wide.Inputs, wide.Outputs)}");
            using var scope = NewDisposeScope();
            using var _ = no_grad();
            if (!LoraCandidates.Read(settings.Candidates, sites, (context.Resolve, context.Device, context.ComputeType), context.Warn, context.Name).TryGet(out var candidates, out var fault)) return fault;
            var start = new LoraWeights();
            foreach (var site in bound) start.Add(site.Name, read.Modules.TryGetValue(site.Name, out var known) ? new LoraFactors(known.A.alias(), known.B.alias(), known.Alpha) : New(site, random));
            AdapterSite[] worn = [.. sites.Where(candidates.Has).Except(bound)];
            using (start) return Result.Ok<IAttachedAdapter>(new AttachedLora(bound, start, context.Device, context.ComputeType, fromFile: read.Modules.Count > 0, (candidates, worn)));
        }
    }

    // Keyed by the layer, so that it begins with the same values whatever others are trained beside it.
    private LoraFactors New(AdapterSite site, RandomKey random) =>
        new(random.For(site.Name).Normal([settings.Rank, site.Inputs], CPU).div_(settings.Rank), zeros(site.Outputs, settings.Rank, dtype: ScalarType.Float32), settings.Alpha);
}
