using LeapAlign.Contracts.Rewards;
using static TorchSharp.torch;

namespace LeapAlign.Host.Kernel.Rewards;

/// <summary>
/// Several rewards at one picture: the gradient of each gets a share of one length, so that none decides by the steepness of its score alone. With <c>g_r</c> the gradient of
/// reward r at a picture and <c>w_r</c> its weight, what goes on into the decoder is <c>Σ_r s_r T · sign(w_r) g_r / ‖g_r‖</c> with <c>s_r = |w_r| / Σ|w|</c> and
/// <c>T = ‖Σ w_r g_r‖</c>. The gradients are taken at once, reward by reward, so that no reward's graph is kept until the backward.
/// </summary>
internal static class GradientShares
{
    /// <summary>Scores whose gradients have their shares; the values are those of the rewards.</summary>
    /// <param name="images">[B, 3, H, W].</param>
    /// <param name="score">Scores pictures.</param>
    public static IReadOnlyList<RewardColumn> Balanced(Tensor images, Func<Tensor, IReadOnlyList<RewardColumn>> score)
    {
        if (!is_grad_enabled() || !images.requires_grad) return score(images);
        using var scope = NewDisposeScope();
        var pictures = images.detach().requires_grad_();
        var columns = score(pictures);
        Tensor?[] gradients = [.. columns.Select(column => column.Values.requires_grad && column.Weight != 0 ? autograd.grad([column.Values.sum()], [pictures], retain_graph: false)[0].detach() : null)];
        var moving = columns.Zip(gradients).Where(static pair => pair.Second is not null).ToArray();
        if (moving.Length == 0) return [.. columns.Select(static column => new RewardColumn(column.Name, column.Weight, column.Values.detach().MoveToOuterDisposeScope()))];
        var sum = moving.Select(static pair => pair.Second! * pair.First.Weight).Aggregate(static (sum, next) => sum + next);
        var (length, weights) = (Length(sum), moving.Sum(static pair => Math.Abs(pair.First.Weight)));
        return [.. columns.Zip(gradients, (column, gradient) =>
        {
            var values = column.Values.detach();
            if (gradient is null) return new RewardColumn(column.Name, column.Weight, values.MoveToOuterDisposeScope());
            var own = Length(gradient);
            // The column's weight multiplies it afterwards; a reward that has no slope at a picture has no share.
            var factor = where(own.gt(0), length / own.clamp_min(float.Epsilon) / weights, zeros_like(own));
            var slope = (images * (gradient * factor.view(-1, 1, 1, 1))).sum([1, 2, 3]);
            return new RewardColumn(column.Name, column.Weight, (values + (slope - slope.detach()).to(values.dtype)).MoveToOuterDisposeScope());
        })];
    }

    // [B].
    private static Tensor Length(Tensor gradients) => gradients.to(ScalarType.Float64).square().sum([1, 2, 3]).sqrt().to(gradients.dtype);
}
