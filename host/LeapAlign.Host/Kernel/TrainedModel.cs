using LeapAlign.Contracts.Adapters;
using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Contracts.Weights;
using LeapAlign.Host.Composition;
using LeapAlign.Host.Configuration.Sections;
using LeapAlign.Host.Runs;
using LeapAlign.Host.Telemetry;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Host.Kernel;

/// <summary>Where an export goes.</summary>
/// <param name="Model">The folder of the model.</param>
/// <param name="Adapter">The folder of the adapter's files, where an adapter is trained.</param>
internal sealed record ExportFolders(string Model, string Adapter);

/// <summary>
/// A model and what is trained of it: its weights, or those of an adapter that is attached to it. What a part of others throws while it exports becomes a fault.
/// </summary>
/// <param name="model">The model; frozen where there is an adapter.</param>
/// <param name="adapter">The adapter; null where the model's own weights are trained.</param>
internal sealed class TrainedModel(IModel model, IAttachedAdapter? adapter)
{
    public IModel Model => model;

    public IAttachedAdapter? Adapter => adapter;

    /// <summary>What is trained: a frozen model may have parameters, too, which come behind the adapter's.</summary>
    public ITrainable Trained { get; } = adapter is null ? model : model.Parameters.Count == 0 ? adapter : new JointTrainable(adapter, model);

    /// <summary>How strongly captions steer in the run, which an export says; null where there is no run.</summary>
    public Guidance? Guidance { get; init; }

    /// <summary>The size of the pictures that train; null for the model's own.</summary>
    public ImageSize? Size { get; init; }

    /// <summary>Whether the model is trained to draw without a guidance of two branches, which an export says.</summary>
    public bool LearnsGuidance { get; init; }

    /// <summary>Makes the model of a plan, and attaches its adapter.</summary>
    /// <param name="plan">The composition.</param>
    /// <param name="context">Makes the context of a part.</param>
    /// <param name="owned">Takes what is to be disposed.</param>
    public static Result<TrainedModel> Make(RunPlan plan, Func<PartPlan, PartContext> context, List<IDisposable> owned) =>
        from model in RunParts.Make<IModel>(plan.Model, context, owned)
        from together in AdapterOfMap.Check(plan, model)
        from adapter in plan.Adapter is { } part ? Attach(model, part, (context, RandomKey.OfRun(plan.Run.Seed).For("adapter")), owned) : Result.Ok<IAttachedAdapter?>(null)
        select new TrainedModel(model, adapter) { Guidance = plan.Guidance, Size = plan.Size, LearnsGuidance = plan.TeachesGuidance(model) };

    /// <summary>Writes what a run trained: a model folder, or an adapter and, where that was asked for, the model that it is merged into.</summary>
    /// <param name="folders">Where.</param>
    /// <param name="policy">What was trained.</param>
    /// <param name="settings">In which precision and form.</param>
    public Result<Unit> Export(ExportFolders folders, Policy policy, ExportSettings settings)
    {
        var type = Dtype.Parse(settings.Dtype);
        if (adapter is null) return Export(folders.Model, policy.Values, type);
        return from written in Guarded("the adapter's export", () => adapter.Write(folders.Adapter, OfAdapter(policy.Values)))
               from map in model is IFlowMapModel { IsFlowMap: true } flow ? Guarded("the export of the gap embedding", () => flow.WriteMap(folders.Adapter, OfModel(policy.Values))) : Unit.Value
               from read in Guarded("the check of the adapter's export", () => AdapterEffect.OfFile(this, folders.Adapter, policy))
               from merged in settings.Merged ? Export(folders.Model, policy.Values, type) : Unit.Value
               select merged;
    }

    /// <summary>Checks what an export of the model needs.</summary>
    /// <param name="type">The precision of the trained weights; null keeps that of the source.</param>
    /// <returns>The bytes it takes; null when only an export can tell.</returns>
    public Result<long?> CheckExport(ScalarType? type) => Guarded("the model's check of its export", () => model.CheckExport(Request("", type)));

    /// <summary>Writes a complete model folder; what an adapter trained is merged into it.</summary>
    /// <param name="folder">Written whole or not at all; one that is there is replaced.</param>
    /// <param name="values">One tensor for each trained parameter, in order.</param>
    /// <param name="type">The precision of the trained weights; null keeps that of the source.</param>
    public Result<Unit> Export(string folder, IReadOnlyList<Tensor> values, ScalarType? type) => Guarded("the model's export", () => model.Export(
        adapter is null
            ? Request(folder, type) with { Weights = values }
            : Request(folder, type) with
            {
                Weights = model.Parameters.Count > 0 ? OfModel(values) : null,
                Updates = adapter.Bound.ToDictionary(static site => site.Name, Func<Tensor> (site) => () => adapter.UpdateOf(site, OfAdapter(values)), StringComparer.Ordinal),
            }));

    /// <summary>Of values of all trained parameters, those of the adapter.</summary>
    public IReadOnlyList<Tensor> OfAdapter(IReadOnlyList<Tensor> values) => [.. values.Take(adapter!.Parameters.Count)];

    private Tensor[] OfModel(IReadOnlyList<Tensor> values) => [.. values.Skip(adapter!.Parameters.Count)];

    private ExportRequest Request(string folder, ScalarType? type) => new(folder, type) { Guidance = Guidance, LearnedGuidance = LearnsGuidance };

    private static Result<IAttachedAdapter?> Attach(IModel model, PartPlan part, (Func<PartPlan, PartContext> Context, RandomKey Random) how, List<IDisposable> owned) =>
        from made in RunParts.Make<IAdapter>(part, how.Context, owned)
        from attached in part.Guard("attaching the adapter", () => made.Attach(model.Sites, how.Random))
        let adapter = Owned(attached, owned)
        from bound in attached.Bound.Count > 0
            ? Unit.Value
            : Result.Fail<Unit>(new Fault.Composition(FaultCodes.AdapterWithoutEffect, $"the adapter '{part.Name}' is attached to none of the {model.Sites.Count} layers that the model offers: nothing would be trained", part.Place))
        select adapter;

    private static IAttachedAdapter? Owned(IAttachedAdapter adapter, List<IDisposable> owned)
    {
        owned.Add(adapter);
        return adapter;
    }

    private static Result<T> Guarded<T>(string what, Func<Result<T>> action)
    {
        try
        {
            return action();
        }
        catch (FaultException exception)
        {
            return exception.Fault;
        }
#pragma warning disable CA1031 // A part of others may throw anything.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            return exception.ToFault((type, message) => new Fault.Run(FaultCodes.ExportThrew, $"{what} threw {type}: {message}"));
        }
    }
}
