using LeapAlign.Contracts.Adapters;
using LeapAlign.Contracts.Algorithms;
using LeapAlign.Networks.Weights;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Layers;

/// <summary>
/// A part of a network whose graph is not kept: the forward keeps what came in, the backward computes the part again, this time with a graph, and runs through it
/// (gradient checkpointing, Chen et al. 2016, arXiv:1604.06174). Nothing is drawn inside a part and a network has one value with and without gradients, so that
/// the gradients are those of the plain graph to the last bit.
/// <para>
/// What the part is trained by goes in as arguments: a value that the function only captured would have no gradient, and nobody would notice. While the part is
/// computed again, weights and adapters answer with what stands for those arguments, also when the policy in use has changed meanwhile.
/// </para>
/// </summary>
/// <param name="weights">The weights that it computes with.</param>
/// <param name="sites">The layers of it that adapters may be attached to.</param>
/// <param name="compute">Computes it; it depends on its arguments, these weights and these adapters alone.</param>
public sealed class Recomputation(IReadOnlyList<Weight> weights, IReadOnlyList<AdapterSite> sites, Func<Tensor[], Tensor[]> compute)
{
    [ThreadStatic]
    private static StandIns? t_standIns;

    /// <summary>Computes the part: without a graph where gradients are off, else with one node.</summary>
    /// <param name="inputs">What comes in.</param>
    /// <returns>What the function returned, in the scope of the caller.</returns>
    public Tensor[] Forward(params Tensor[] inputs)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        if (!is_grad_enabled()) return compute(inputs);
        using var scope = NewDisposeScope();
        // A frozen weight is the same at every time; one that is trained may be another policy's by the time of the backward.
        var trained = weights.Where(static weight => weight.IsTrained).ToArray();
        var adapted = sites.Select(static site => (Site: site, Tensors: site.Adapter?.Tensors ?? [])).Where(static pair => pair.Tensors.Count > 0).ToArray();
        Tensor[] arguments = [.. inputs, .. trained.Select(static weight => weight.Value), .. adapted.SelectMany(static pair => pair.Tensors)];
        var call = new Call(compute, inputs.Length, trained, [.. adapted.Select(static pair => (pair.Site, pair.Tensors.Count))], [.. arguments.Select(static argument => argument.requires_grad)], GraphCalls.Current) { Network = weights.Count > 0 ? weights[0].Set : null };
        if (!call.Wanted.Contains(true)) return [.. compute(inputs).Select(static output => output.MoveToOuterDisposeScope())];
        return [.. RecomputedNode.apply([call, .. arguments]).Select(static output => output.MoveToOuterDisposeScope())];
    }

    /// <summary>What stands for a weight while a part is computed again on this thread; null elsewhere, and for a weight that is none of its arguments.</summary>
    internal static Tensor? For(Weight weight) => t_standIns?.Weights.GetValueOrDefault(weight);

    /// <summary>The tensors that an adapter applies at a site: those that it names now, or those that it named when the part was computed first; none where it is switched off.</summary>
    internal static IReadOnlyList<Tensor> TensorsOf(AdapterSite site) =>
        t_standIns is { } standIns ? standIns.Adapters.GetValueOrDefault(site, []) : site.Adapter?.Tensors ?? [];

    private sealed record StandIns(Dictionary<Weight, Tensor> Weights, Dictionary<AdapterSite, IReadOnlyList<Tensor>> Adapters);

    /// <summary>One evaluation of a part.</summary>
    /// <param name="Compute">Computes it.</param>
    /// <param name="Inputs">How many of the arguments came in.</param>
    /// <param name="Trained">The weights whose values follow.</param>
    /// <param name="Adapted">The sites whose adapters' tensors follow, and how many each has.</param>
    /// <param name="Wanted">Which arguments want a gradient.</param>
    /// <param name="Calls">Who runs the backward.</param>
    internal sealed record Call(Func<Tensor[], Tensor[]> Compute, int Inputs, Weight[] Trained, (AdapterSite Site, int Count)[] Adapted, bool[] Wanted, GraphCalls? Calls)
    {
        /// <summary>The weights of the network that it is a part of; null for none.</summary>
        public WeightSet? Network { get; init; }

        /// <summary>Computes the part again, with a graph that begins at these arguments.</summary>
        public Tensor[] Again(Tensor[] arguments)
        {
            var next = Inputs;
            var ofWeights = Trained.ToDictionary(static weight => weight, _ => arguments[next++]);
            var ofAdapters = new Dictionary<AdapterSite, IReadOnlyList<Tensor>>();
            foreach (var (site, count) in Adapted)
            {
                ofAdapters[site] = arguments[next..(next + count)];
                next += count;
            }
            var outer = t_standIns;
            t_standIns = new StandIns(ofWeights, ofAdapters);
            try
            {
                using (enable_grad()) return Compute(arguments[..Inputs]);
            }
            finally
            {
                t_standIns = outer;
            }
        }
    }
}

/// <summary>The node of a <see cref="Recomputation"/>. Its first argument is no tensor; the tensors follow.</summary>
public sealed class RecomputedNode : autograd.MultiTensorFunction<RecomputedNode>
{
    private const string Key = "call";

    /// <inheritdoc/>
    public override string Name => "Recomputation";

    /// <inheritdoc/>
    public override List<Tensor> forward(autograd.AutogradContext ctx, params object[] vars)
    {
        ArgumentNullException.ThrowIfNull(ctx);
        ArgumentNullException.ThrowIfNull(vars);
        var call = (Recomputation.Call)vars[0];
        var arguments = vars[1..].Cast<Tensor>().ToList();
        ctx.save_for_backward(arguments);
        ctx.save_data(Key, call);
        // An output that nothing reads has no gradient, as in the plain graph.
        ctx.set_materialize_grads(false);
        return [.. call.Compute([.. arguments.Take(call.Inputs)])];
    }

    /// <inheritdoc/>
    public override List<Tensor> backward(autograd.AutogradContext ctx, List<Tensor> grad_outputs)
    {
        ArgumentNullException.ThrowIfNull(ctx);
        ArgumentNullException.ThrowIfNull(grad_outputs);
        SignalStack.Enter();
        var call = (Recomputation.Call)ctx.get_data(Key);
        try
        {
            // Differences of gradients take the place of second derivatives (UpdateContext.HessianVector).
            call.Network?.RequireFiles();
            if (is_grad_enabled()) throw new NotSupportedException("a part of a network that is computed again in the backward has no second derivative");
            var gradients = Gradients(call, ctx.get_saved_variables(), grad_outputs);
            call.Calls?.Return([.. gradients.OfType<Tensor>()]);
            return [null!, .. gradients.Select(static gradient => gradient!)];
        }
        catch (Exception exception) when (call.Calls is not null)
        {
            call.Calls.Fail(exception);
            return [.. Enumerable.Repeat<Tensor>(null!, call.Wanted.Length + 1)];
        }
    }

    private static Tensor?[] Gradients(Recomputation.Call call, IReadOnlyList<Tensor> saved, List<Tensor> ofOutputs)
    {
        using var scope = NewDisposeScope();
        var leaves = saved.Select((argument, i) => argument.detach().requires_grad_(call.Wanted[i])).ToArray();
        var outputs = call.Again(leaves);
        var differentiated = outputs.Zip(ofOutputs).Where(static pair => pair.First.requires_grad && pair.Second is { IsInvalid: false }).ToArray();
        var wanted = leaves.Where(static leaf => leaf.requires_grad).ToArray();
        var found = autograd.grad([.. differentiated.Select(static pair => pair.First)], wanted, [.. differentiated.Select(static pair => pair.Second)], allow_unused: true);
        var gradients = new Tensor?[saved.Count];
        for (int i = 0, next = 0; i < gradients.Length; i++)
        {
            if (!call.Wanted[i]) continue;
            var gradient = found[next++];
            if (gradient is { IsInvalid: false }) gradients[i] = gradient.DetachFromDisposeScope();
        }
        foreach (var handle in (Tensor[])[.. saved, .. ofOutputs]) handle.Dispose();
        return gradients;
    }
}
