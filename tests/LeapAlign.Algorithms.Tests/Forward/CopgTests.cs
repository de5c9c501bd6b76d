using LeapAlign.Algorithms.Forward.Copg;
using LeapAlign.Algorithms.Forward.Samples;
using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Flow;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.Forward.Tests;

public sealed class CopgTests
{
    private static readonly CopgSettings s_settings = new() { Beta = 0.3, LikelihoodScale = 4, Timesteps = 2 };

    [Fact]
    public void A_pair_agrees_with_the_published_algebra()
    {
        using var scope = NewDisposeScope();
        var algorithm = new CopgAlgorithm(new CopgSettings { Beta = 0.1, LikelihoodScale = 200 });
        var errors = Numbers(0.42, 0.47).requires_grad_();
        var logRatios = algorithm.LogRatios([errors - Numbers(0.41, 0.48)]);
        Assert.Equal(-1, logRatios[0].item<double>(), 1e-9);
        Assert.Equal(1, logRatios[1].item<double>(), 1e-9);
        var loss = algorithm.Losses(Numbers(1.2, 0.5).reshape(2, 1), logRatios.reshape(2, 1));
        Assert.Equal(4.05, Assert.Single(loss.data<double>()), 1e-9);
        loss.sum().backward();
        // Maximised, the pair loss is this one's negative and a constant.
        Assert.Equal(90, errors.grad![0].item<double>(), 1e-9);
        Assert.Equal(-90, errors.grad![1].item<double>(), 1e-9);
    }

    [Fact]
    public void A_group_is_the_sum_over_its_pairs()
    {
        using var scope = NewDisposeScope();
        var (rewards, logRatios) = (Numbers(0.9, 0.2, 0.5, 0.4), Numbers(0.3, -0.2, 0.1, 0));
        var loss = new CopgAlgorithm(new CopgSettings { Beta = 0.1 }).Losses(rewards.reshape(4, 1), logRatios.reshape(4, 1));
        Assert.Equal(0.300400000, loss.item<double>() * 2 * 0.1, 1e-9);
    }

    [Fact]
    public void A_large_beta_pulls_to_the_reference_and_rewards_of_a_quarter_are_IPO()
    {
        using var scope = NewDisposeScope();
        var logRatios = Numbers(0.4, -0.1).reshape(2, 1);
        var pulled = new CopgAlgorithm(new CopgSettings { Beta = 1e5 }).Losses(Numbers(3, -2).reshape(2, 1), logRatios).item<double>();
        Assert.Equal(0.5 * 0.5 * 0.5, pulled / 1e5, 1e-4);
        // IPO: (a − a' − 1/(2β))², times β/2.
        const double beta = 0.7;
        var ipo = new CopgAlgorithm(new CopgSettings { Beta = beta }).Losses(Numbers(0.25, -0.25).reshape(2, 1), logRatios).item<double>();
        Assert.Equal(beta / 2 * Math.Pow(0.5 - (1 / (2 * beta)), 2), ipo, 1e-12);
    }

    [Fact]
    public void On_policy_the_gradient_is_that_of_leave_one_out()
    {
        using var scope = NewDisposeScope();
        var logRatios = zeros(3, 1, dtype: float64).requires_grad_();
        double[] rewards = [0.9, 0.2, 0.4];
        new CopgAlgorithm(new CopgSettings { Beta = 0.2 }).Losses(Numbers(rewards).reshape(3, 1), logRatios).sum().backward();
        for (var i = 0; i < 3; i++) Assert.Equal(-(rewards[i] - ((rewards.Sum() - rewards[i]) / 2)), logRatios.grad![i, 0].item<double>(), 1e-12);
    }

    [Fact]
    public void Adding_a_constant_to_the_scores_of_a_prompt_changes_nothing()
    {
        using var scope = NewDisposeScope();
        var algorithm = new CopgAlgorithm(s_settings);
        var (rewards, logRatios) = (Numbers(0.9, 0.2, 0.5).reshape(3, 1), Numbers(0.3, -0.2, 0.1).reshape(3, 1));
        Assert.Equal(algorithm.Losses(rewards, logRatios).item<double>(), algorithm.Losses(rewards + 7, logRatios).item<double>(), 1e-12);
    }

    [Theory]
    [InlineData(1, 2)]
    [InlineData(2, 3)]
    public void The_gradient_is_the_derivative_of_the_stated_loss_on_pictures(int batches, int group)
    {
        using var scope = NewDisposeScope();
        var network = Pictured(batches);
        var descent = network.Descend(new CopgAlgorithm(s_settings with { Group = group }));
        Assert.Equal(0, network.Scorings);
        Compare(network, descent, group, s_settings.Timesteps, clean => Array.IndexOf(Flat(network), clean) % 3 * 0.7);
    }

    [Fact]
    public void The_gradient_is_the_derivative_of_the_stated_loss_online()
    {
        using var scope = NewDisposeScope();
        var network = Networks.Grouped();
        var descent = network.Descend(new CopgAlgorithm(s_settings with { Source = SampleSource.Online }));
        Assert.Equal(2, network.Scorings);
        Compare(network, descent, 2, s_settings.Timesteps, PolicyNetwork.Reward);
    }

    [Fact]
    public void Samples_of_a_prompt_share_time_and_noise_and_prompts_do_not()
    {
        using var scope = NewDisposeScope();
        var network = Pictured(1);
        network.Descend(new CopgAlgorithm(s_settings with { Group = 3 }));
        Assert.All(network.Trainings, call =>
        {
            var prompts = call.Samples / 3;
            Assert.Equal(call.Groups[..prompts], call.Groups[(2 * prompts)..]);
            Assert.Equal(call.Sigmas[..prompts], call.Sigmas[prompts..(2 * prompts)]);
            Assert.Equal(prompts, call.Sigmas.Distinct().Count());
            var noise = Noise(network, call);
            for (var row = 0; row < prompts; row++) Assert.Equal(noise[row], noise[row + prompts], 1e-9);
            Assert.Equal(prompts, noise.Select(static value => Math.Round(value, 9)).Distinct().Count());
        });
    }

    [Fact]
    public void Pictures_are_drawn_anew_in_each_step_and_the_same_ones_for_the_same_seed()
    {
        using var scope = NewDisposeScope();
        double[] Drawn(long seed)
        {
            var network = Pictured(2, seed);
            network.Descend(new CopgAlgorithm(s_settings));
            return [.. network.Trainings.SelectMany(call => Clean(network, call).Select(static clean => clean[0]))];
        }
        Assert.Equal(Drawn(1), Drawn(1));
        Assert.Contains(Enumerable.Range(2, 5), seed => !Drawn(seed).SequenceEqual(Drawn(1)));
    }

    [Fact]
    public void A_prompt_with_too_few_pictures_is_a_fault_that_names_it()
    {
        using var scope = NewDisposeScope();
        var network = Pictured(1);
        var fault = Assert.Throws<FaultException>(() => network.Descend(new CopgAlgorithm(s_settings with { Group = 4 }))).Fault;
        Assert.Equal(FaultCodes.TooFewPictures, fault.Code);
        Assert.Contains("'copg' compares 4 pictures of a prompt, and 'prompt 0' comes with 3", fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(SampleSource.Pictures, 4, 1, true)]
    [InlineData(SampleSource.Online, 4, 1, false)]
    [InlineData(SampleSource.Online, 4, 2, true)]
    [InlineData(SampleSource.Online, 4, 3, false)]
    public void Online_groups_have_to_be_whole(SampleSource source, int batch, int group, bool fits) =>
        Assert.Equal(fits, new CopgAlgorithm(s_settings with { Source = source }).Check(new RunShape(new Schedule([1, 0.5, 0]), batch, Group: group)).IsOk);

    /// <summary>Eight prompts with three pictures each, whose scores are 0, 0.7 and 1.4.</summary>
    internal static PolicyNetwork Pictured(int batches, long seed = 5)
    {
        var grouped = Networks.Grouped(batches);
        var number = 0;
        double[][][] Moved(double by) => [.. grouped.Clean.Select(batch => batch.Select(sample => sample.Select(x => x + by).ToArray()).ToArray())];
        return new PolicyNetwork
        {
            Clean = grouped.Clean,
            Groups = [.. grouped.Groups.Select(batch => batch.Select(_ => number++).ToArray())],
            Further = [Moved(0.31), Moved(-0.47)],
            Scored = static _ => [0, 0.7, 1.4],
            Seed = seed,
        };
    }

    /// <summary>Every picture: three of each prompt, one after another.</summary>
    internal static double[][] Flat(PolicyNetwork network)
    {
        if (network.Further is not { } further) return [.. network.Clean.SelectMany(static batch => batch)];
        double[][][] sides = [.. further.Prepend(network.Clean).Select(static side => side.SelectMany(static batch => batch).ToArray())];
        return [.. Enumerable.Range(0, sides[0].Length).SelectMany(prompt => sides.Select(side => side[prompt]))];
    }

    /// <summary>x_0 of the rows of an evaluation: the one of the row's prompt with which all dimensions have the noise of one sample.</summary>
    internal static double[][] Clean(PolicyNetwork network, PolicyNetwork.Call call)
    {
        using var step = network.Step();
        var noises = step.Batches.SelectMany(batch => Enumerable.Range(0, 4).SelectMany(time => new[] { "training-noise", "training-noise-1" }.Select(purpose => batch.Normal(purpose, time).to(float64).unbind(0).Select(row => row.data<double>().ToArray()))))
            .SelectMany(static rows => rows).ToArray();
        return [.. Enumerable.Range(0, call.Samples).Select(row => Flat(network).First(clean => noises.Any(noise =>
            clean.Select((x, d) => Math.Abs(call.Latents[row][d] - ((1 - call.Sigmas[row]) * x) - (call.Sigmas[row] * noise[d]))).Max() < 1e-6)))];
    }

    internal static double[] Noise(PolicyNetwork network, PolicyNetwork.Call call) =>
        [.. Clean(network, call).Select((clean, row) => (call.Latents[row][0] - ((1 - call.Sigmas[row]) * clean[0])) / call.Sigmas[row])];

    private static void Compare(PolicyNetwork network, PolicyNetwork.Descent descent, int members, int draws, Func<double[], double> reward)
    {
        var oracle = new Oracle(network);
        PolicyNetwork.Call[] calls = [.. network.Trainings];
        var points = oracle.Points(number => Clean(network, calls[number]));
        oracle.Compare(descent, (a, b) => points.Chunk(draws).SelectMany(batch =>
        {
            var count = batch[0].Length;
            var left = Enumerable.Range(0, count).Select(row => reward(batch[0][row].Clean) - (0.3 * -2 * batch.Average(draw =>
                Oracle.Square(Oracle.Velocity(draw[row], (a, b)), draw[row].Target) - Oracle.Square(oracle.Copy("reference", draw[row]), draw[row].Target)))).ToArray();
            return Enumerable.Range(0, count / members).Select(prompt =>
            {
                double[] own = [.. Enumerable.Range(0, members).Select(side => left[prompt + (side * (count / members))])];
                return own.SelectMany((first, i) => own[..i].Select(second => (first - second) * (first - second))).Sum() / (2 * 0.3 * (members - 1));
            });
        }).Average());
    }

    private static Tensor Numbers(params double[] values) => tensor(values, dtype: float64);
}
