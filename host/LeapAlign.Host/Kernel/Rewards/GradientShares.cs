using LeapAlign.Contracts.Rewards;
using static TorchSharp.torch;

namespace LeapAlign.Host.Kernel.Rewards;

/// <summary>
/// Several rewards at one sample: the gradient of each gets a share of one length, so that none decides by the steepness of its score alone. With <c>g_r</c> the gradient of
/// reward r and <c>w_r</c> its weight, what goes on into the decoder is <c>Σ_r s_r T · sign(w_r) g_r / ‖g_r‖</c> with <c>s_r = |w_r| / Σ|w|</c> and
/// <c>T = ‖Σ w_r g_r‖</c>. Gradients are those at the pictures; where a reward of latents is among the rewards, those of all at the latents. They are taken at once, reward by reward, so that no reward's graph
/// is kept until the backward.
/// </summary>
internal static class GradientShares
{
    /// <summary>Scores whose gradients at the pictures have their shares; the values are those of the rewards.</summary>
    /// <param name="images">[B, 3, H, W].</param>
    /// <param name="score">Scores pictures.</param>
    public static IReadOnlyList<RewardColumn> Balanced(Tensor images, Func<Tensor, IReadOnlyList<RewardColumn>> score)
    {
        if (!is_grad_enabled() || !images.requires_grad) return score(images);
        using var scope = NewDisposeScope();
        var pictures = images.detach().requires_grad_();
        var columns = score(pictures);
        return Shared(images, columns, [.. columns.Select(column => Moves(column) ? Gradients(column, pictures)[0] : null)]);
    }

    /// <summary>Scores whose gradients at the latents have their shares; the values are those of the rewards.</summary>
    /// <param name="latents">[B, C, ...].</param>
    /// <param name="decode">Makes pictures; null where no reward scores them.</param>
    /// <param name="score">Scores latents and pictures.</param>
    public static IReadOnlyList<RewardColumn> Balanced(Tensor latents, Func<Tensor, Tensor>? decode, Func<Tensor, Tensor?, IReadOnlyList<RewardColumn>> score)
    {
        if (!is_grad_enabled() || !latents.requires_grad) return score(latents, decode?.Invoke(latents));
        using var scope = NewDisposeScope();
        var samples = latents.detach().requires_grad_();
        var images = decode?.Invoke(samples);
        var pictures = images?.detach().requires_grad_();
        var columns = score(samples, pictures);
        // First those of rewards, which give their graphs up; then those of pictures go through the one graph of the decoder.
        Tensor?[][] own = [.. columns.Select(column => !Moves(column) ? [] : pictures is null ? Gradients(column, samples) : Gradients(column, samples, pictures))];
        var decoded = own.Count(static gradients => gradients is [_, not null]);
        return Shared(latents, columns, [.. own.Select(gradients =>
        {
            if (gradients is not [var direct, not null and var ofPictures]) return gradients is [var only, ..] ? only : null;
            var through = autograd.grad([images!], [samples], [ofPictures], retain_graph: --decoded > 0)[0].detach();
            return direct is null ? through : direct + through;
        })]);
    }

    private static bool Moves(RewardColumn column) => column.Values.requires_grad && column.Weight != 0;

    private static Tensor?[] Gradients(RewardColumn column, params Tensor[] points) =>
        [.. autograd.grad([column.Values.sum()], points, retain_graph: false, allow_unused: true).Select(static gradient => gradient is { IsInvalid: false } ? gradient.detach() : null)];

    private static IReadOnlyList<RewardColumn> Shared(Tensor point, IReadOnlyList<RewardColumn> columns, Tensor?[] gradients)
    {
        var moving = columns.Zip(gradients).Where(static pair => pair.Second is not null).ToArray();
        if (moving.Length == 0) return [.. columns.Select(static column => new RewardColumn(column.Name, column.Weight, column.Values.detach().MoveToOuterDisposeScope()))];
        var sum = moving.Select(static pair => pair.Second! * pair.First.Weight).Aggregate(static (sum, next) => sum + next);
        var (length, weights) = (Length(sum), moving.Sum(static pair => Math.Abs(pair.First.Weight)));
        return [.. columns.Zip(gradients, (column, gradient) =>
        {
            var values = column.Values.detach();
            if (gradient is null) return new RewardColumn(column.Name, column.Weight, values.MoveToOuterDisposeScope());
            var own = Length(gradient);
            // The column's weight multiplies it afterwards; a reward that has no slope at a sample has no share.
            var factor = where(own.gt(0), length / own.clamp_min(float.Epsilon) / weights, zeros_like(own));
            var slope = (point * (gradient * factor.view([-1, .. Enumerable.Repeat(1L, (int)point.dim() - 1)]))).flatten(1).sum(1);
            return new RewardColumn(column.Name, column.Weight, (values + (slope - slope.detach()).to(values.dtype)).MoveToOuterDisposeScope());
        })];
    }

    // [B].
    private static Tensor Length(Tensor gradients) => gradients.to(ScalarType.Float64).square().flatten(1).sum(1).sqrt().to(gradients.dtype);
}
