using LeapAlign.Contracts.Rewards;
using LeapAlign.Host.Kernel.Rewards;
using LeapAlign.Testing;
using static TorchSharp.torch;

namespace LeapAlign.Host.Tests.Kernel;

/// <summary>Several rewards at one picture: whose gradient goes how far.</summary>
public class GradientSharesTests
{
    private static readonly double[] s_weights = [1, 3];

    [Theory]
    [InlineData(1)]
    [InlineData(1000)]
    public void Each_reward_has_its_weights_share_however_steep_it_is(double steep)
    {
        using var scope = NewDisposeScope();
        var (first, second) = (Slope(1), Slope(2));
        var images = rand(2, 3, 4, 5, dtype: float64).requires_grad_();
        var columns = GradientShares.Balanced(images, pictures => [Column("a", s_weights[0], pictures, first * steep), Column("b", s_weights[1], pictures, second)]);
        Total(columns).sum().backward();
        var length = Norm((first * steep * s_weights[0]) + (second * s_weights[1]));
        var expected = (first / Norm(first) * 0.25 * length) + (second / Norm(second) * 0.75 * length);
        Agreement.Values(images.grad!, expected.expand_as(images), "gradient", tolerance: 1e-12);
        Agreement.Values(columns[0].Values, (images * first * steep).sum([1, 2, 3]), "values", tolerance: 1e-12);
    }

    [Fact]
    public void A_negative_weight_pushes_the_other_way()
    {
        using var scope = NewDisposeScope();
        var (first, second) = (Slope(1), Slope(2));
        var images = rand(1, 3, 4, 5, dtype: float64).requires_grad_();
        Total(GradientShares.Balanced(images, pictures => [Column("a", 1, pictures, first), Column("b", -1, pictures, second)])).sum().backward();
        var length = Norm(first - second);
        Agreement.Values(images.grad!, (first / Norm(first) * 0.5 * length) - (second / Norm(second) * 0.5 * length), "gradient", tolerance: 1e-12);
    }

    [Fact]
    public void The_losses_of_pictures_stay_apart()
    {
        using var scope = NewDisposeScope();
        var (first, second) = (Slope(1), Slope(2));
        Tensor Gradient(double[] losses)
        {
            var images = ones(2, 3, 4, 5, dtype: float64).requires_grad_();
            (Total(GradientShares.Balanced(images, pictures => [Column("a", 1, pictures, first), Column("b", 1, pictures, second)])) * tensor(losses)).sum().backward();
            return images.grad!;
        }
        var (both, one) = (Gradient([2, 1]), Gradient([2, 0]));
        Agreement.Values(one[0], both[0], "first", tolerance: 1e-12);
        Assert.Equal(0, one[1].abs().max().item<double>());
        Agreement.Values(both[0], both[1] * 2, "twice", tolerance: 1e-12);
    }

    [Fact]
    public void A_reward_without_slope_takes_nothing_and_breaks_nothing()
    {
        using var scope = NewDisposeScope();
        var first = Slope(1);
        var images = rand(2, 3, 4, 5, dtype: float64).requires_grad_();
        var columns = GradientShares.Balanced(images, pictures =>
            [Column("a", 1, pictures, first), new RewardColumn("rule", 5, pictures.detach().mean([1, 2, 3])), Column("flat", 1, pictures, zeros_like(first))]);
        Total(columns).sum().backward();
        // Half of the weights that move belong to what has no slope here.
        Agreement.Values(images.grad!, (first * 0.5).expand_as(images), "gradient", tolerance: 1e-12);
        Assert.False(columns[1].Values.requires_grad);
        using var _ = no_grad();
        Assert.Equal(3, GradientShares.Balanced(images, pictures => [Column("a", 1, pictures, first), Column("b", 1, pictures, first), Column("c", 1, pictures, first)]).Count);
    }

    [Fact]
    public void Beside_a_reward_of_latents_shares_are_those_at_the_latents()
    {
        using var scope = NewDisposeScope();
        var (direct, first, second) = (Slope(1), Slope(2), Slope(3));
        var latents = rand(2, 3, 4, 5, dtype: float64).requires_grad_();
        var decoded = 0;
        Tensor Decode(Tensor samples)
        {
            decoded++;
            return samples.sin() * 3;
        }
        var columns = GradientShares.Balanced(latents, Decode, (samples, pictures) => [Column("a", 1, samples, direct), Column("b", 2, pictures!, first), Column("c", -1, pictures!, second)]);
        Total(columns).sum().backward();
        var through = latents.detach().cos() * 3;
        Tensor Each(Tensor gradient) => gradient / gradient.flatten(1).norm(1).view(-1, 1, 1, 1);
        var (a, b, c) = (direct.expand_as(latents), through * first, through * second);
        var length = (a + (b * 2) - c).flatten(1).norm(1).view(-1, 1, 1, 1);
        Agreement.Values(latents.grad!, ((Each(a) * 0.25) + (Each(b) * 0.5) - (Each(c) * 0.25)) * length, "gradient", tolerance: 1e-12);
        Agreement.Values(columns[1].Values, (latents.detach().sin() * 3 * first).sum([1, 2, 3]), "values", tolerance: 1e-12);
        Assert.Equal(1, decoded);
        using var _ = no_grad();
        Assert.Equal(2, GradientShares.Balanced(latents, null, (samples, pictures) => pictures is null ? [Column("a", 1, samples, direct), Column("b", 1, samples, first)] : []).Count);
    }

    private static Tensor Slope(long seed)
    {
        using var generator = new Generator((ulong)seed);
        return randn([1, 3, 4, 5], dtype: float64, generator: generator);
    }

    private static RewardColumn Column(string name, double weight, Tensor pictures, Tensor slope) => new(name, weight, (pictures * slope).sum([1, 2, 3]));

    private static Tensor Total(IReadOnlyList<RewardColumn> columns) => new Scores(columns).Total;

    private static double Norm(Tensor slope) => slope.square().sum().sqrt().item<double>();
}
