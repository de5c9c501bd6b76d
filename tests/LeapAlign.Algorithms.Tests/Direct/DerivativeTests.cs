using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Methods.Schedules;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.Direct.Tests;

/// <summary>Each method's gradient is the derivative of its stated surrogate: what it detaches is held at its value, everything else moves with the weights.</summary>
public sealed class DerivativeTests
{
    private const double Hinge = 50;

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    [InlineData(5)]
    public void Refl(int step)
    {
        using var scope = NewDisposeScope();
        var network = new CurvedNetwork();
        var state = Still(network.Euler(CurvedNetwork.Noise(0), 0, step));
        Agree(network, Given.Refl(step), () => Posterior(network, state, step));
    }

    [Theory]
    [InlineData(1, false)]
    [InlineData(3, false)]
    [InlineData(3, true)]
    public void Draft(int k, bool checkpoint)
    {
        using var scope = NewDisposeScope();
        var network = new CurvedNetwork();
        var first = network.Schedule.Steps - k;
        var state = Still(network.Euler(CurvedNetwork.Noise(0), 0, first));
        Agree(network, Given.Draft(k, checkpoint), () => network.Euler(state, first, network.Schedule.Steps));
    }

    [Fact]
    public void Draft_with_renoised_copies()
    {
        using var scope = NewDisposeScope();
        var network = new CurvedNetwork();
        var last = network.Schedule.Steps - 1;
        var sigma = network.Schedule.Sigma(last);
        var state = Still(network.Euler(CurvedNetwork.Noise(0), 0, last));
        var sample = Still(network.Euler(state, last, last + 1));
        Tensor[] noises = [.. Enumerable.Range(0, 2).Select(copy => RandomKey.OfRun(9).For("copy", copy).Normal(sample.shape, CPU).to(float64))];
        Tensor[] starts = [state, .. noises.Select(noise => ((1 - sigma) * sample) + (sigma * noise))];
        var drawn = 0;
        var algorithm = new DraftAlgorithm(new DraftSettings { Hinge = Hinge, ReNoised = noises.Length }, (_, _) => noises[drawn++]);
        Agree(network, algorithm, () => cat([.. starts.Select(start => network.Euler(start, last, last + 1))]));
    }

    [Theory]
    [InlineData(6)]
    [InlineData(17)]
    public void Full_is_the_derivative_of_the_reward_itself(int steps)
    {
        using var scope = NewDisposeScope();
        var network = new CurvedNetwork { Schedule = Sigmas.Explicit(steps, 2) };
        Agree(network, Given.Full(), () => network.Euler(CurvedNetwork.Noise(0), 0, steps));
    }

    [Theory]
    [InlineData(5, 0, 2, 4)]
    [InlineData(4, 0, 2, 4)]
    [InlineData(3, 3)]
    [InlineData(2, 0)]
    public void Drtune(int stop, params int[] trained)
    {
        using var scope = NewDisposeScope();
        var network = new CurvedNetwork();
        Tensor[] states = [.. Enumerable.Range(0, stop + 1).Select(step => Still(network.Euler(CurvedNetwork.Noise(0), 0, step)))];
        Tensor[] velocities = [.. states.Select((state, step) => Still(network.Evaluate(state, network.Schedule.Sigma(step))))];
        Agree(network, Given.Drtune(stop, trained), () =>
        {
            var sample = states[0];
            for (var step = 0; step <= stop; step++)
            {
                var velocity = trained.Contains(step) ? network.Evaluate(states[step], network.Schedule.Sigma(step)) : velocities[step];
                sample = sample + ((step < stop ? network.Schedule.Delta(step, step + 1) : -network.Schedule.Sigma(stop)) * velocity);
            }
            return sample;
        });
    }

    private static Tensor Posterior(CurvedNetwork network, Tensor state, int step) =>
        state - (network.Schedule.Sigma(step) * network.Evaluate(state, network.Schedule.Sigma(step)));

    private static Tensor Still(Tensor value) => value.detach();

    /// <summary>Compares an algorithm's gradient and loss with those of <c>mean(λ − R(x̂_0))</c>.</summary>
    private static void Agree(CurvedNetwork network, IAlgorithm algorithm, Func<Tensor> predicted)
    {
        var expected = network.Differentiate(() => CurvedNetwork.LossOf(predicted(), Hinge));
        var actual = network.Descend(algorithm);
        Assert.Equal(CurvedNetwork.LossOf(predicted(), Hinge).item<double>(), network.Loss, 1e-12);
        var (difference, norm) = (Given.Distance(actual, expected), Given.Norm(expected));
        Assert.True(difference <= 1e-6 * norm, $"gradient differs by {difference:G3} of {norm:G3}");
    }
}
