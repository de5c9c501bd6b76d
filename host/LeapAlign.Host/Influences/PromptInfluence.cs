using LeapAlign.Contracts.Optimizers;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Host.Kernel.Steps;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Host.Influences;

/// <summary>What a prompt did in the update of a step.</summary>
/// <param name="Prompt">The prompt.</param>
/// <param name="Samples">Its samples in the step.</param>
/// <param name="Loss">Its part of the loss.</param>
/// <param name="Drive">Its part of what the update lowers the loss of the step by, to first order; over all prompts they add up to 1. Below 0 it was outvoted.</param>
/// <param name="Agreement">The cosine of its own update with the whole one, where lengths are measured by the curvature.</param>
internal sealed record InfluenceRow(Prompt Prompt, int Samples, double Loss, double Drive, double Agreement);

/// <summary>
/// Which prompts drive an update: with the part g_i that prompt i has in the gradient of a step, and the curvature F that the optimizer divided the gradient by, <c>K_ij = g_iᵀ F⁻¹ g_j</c> is how much the update of prompt j alone
/// lowers the loss of prompt i, to first order and for a rate of 1 (Frantar, Kurtic and Alistarh 2021, arXiv 2107.03356, of F; Koh and Liang 2017, arXiv 1703.04730, of influence). All of them together, <c>Σ K_ij</c>, are what the
/// update lowers the loss by.
/// </summary>
/// <param name="Rows">The prompts, in the order in which they first come.</param>
/// <param name="Products">K.</param>
/// <param name="Off">How far the parts of the gradient are from adding up to it, as a part of its length.</param>
internal sealed record PromptInfluence(IReadOnlyList<InfluenceRow> Rows, IReadOnlyList<IReadOnlyList<double>> Products, double Off)
{
    /// <summary>Computes it.</summary>
    /// <param name="step">The gradient of a step, prompt by prompt.</param>
    /// <param name="curvature">The optimization after its update.</param>
    /// <returns>LA5047 where there is no curvature, or nothing moves.</returns>
    public static Result<PromptInfluence> Of(PromptsOfStep step, ICurvatureOptimization curvature)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var prompts = step.Prompts;
        var products = new double[prompts.Count][];
        for (var i = 0; i < prompts.Count; i++) products[i] = new double[prompts.Count];
        for (var j = 0; j < prompts.Count; j++)
        {
            using var inner = NewDisposeScope();
            if (curvature.InverseCurvature(prompts[j].Gradients) is not { } update) return new Fault.Run(FaultCodes.NoInfluence, "the optimizer has no curvature after this step: every gradient so far was zero");
            for (var i = 0; i < prompts.Count; i++) products[i][j] = Product(prompts[i].Gradients, update);
        }
        double[] gains = [.. products.Select(static row => row.Sum())];
        var whole = gains.Sum();
        if (!(whole > 0)) return new Fault.Run(FaultCodes.NoInfluence, FormattableString.Invariant($"the update of this step lowers its loss by {whole:G3} to first order: there is nothing that a prompt could have driven"));
        return new PromptInfluence([.. prompts.Select((each, i) => new InfluenceRow(each.Prompt, each.Samples, each.Loss, gains[i] / whole, products[i][i] > 0 ? gains[i] / Math.Sqrt(products[i][i] * whole) : 0))], products, Apart(step));
    }

    // ‖Σ g_i − g‖ / ‖g‖.
    private static double Apart(PromptsOfStep step)
    {
        var (apart, all) = (0.0, 0.0);
        for (var place = 0; place < step.Gradients.Count; place++)
        {
            using var scope = NewDisposeScope();
            Tensor? sum = step.Gradients[place]?.to(ScalarType.Float64);
            if (sum is not null) all += sum.square().sum().item<double>();
            foreach (var part in step.Prompts.Select(prompt => prompt.Gradients[place]).OfType<Tensor>()) sum = (sum ?? zeros_like(part, dtype: ScalarType.Float64)) - part;
            if (sum is not null) apart += sum.square().sum().item<double>();
        }
        return all == 0 ? 0 : Math.Sqrt(apart / all);
    }

    private static double Product(IReadOnlyList<Tensor?> gradients, IReadOnlyList<Tensor> update)
    {
        var sum = 0.0;
        for (var place = 0; place < update.Count; place++)
        {
            if (gradients[place] is not { } part) continue;
            using var scope = NewDisposeScope();
            sum += (part.to(ScalarType.Float64) * update[place].to(ScalarType.Float64)).sum().item<double>();
        }
        return sum;
    }
}
