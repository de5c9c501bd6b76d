using LeapAlign.Algorithms.Forward.Ddo;
using LeapAlign.Contracts.Algorithms;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.Forward.Tests;

public sealed class DdoTests
{
    private static readonly DdoSettings s_settings = new() { Beta = 3, Alpha = 2, Timesteps = 2 };

    [Fact]
    public void Agrees_with_the_published_form()
    {
        using var scope = NewDisposeScope();
        var margins = tensor([0.8, -0.3], dtype: float64).requires_grad_();
        var loss = new DdoAlgorithm(new DdoSettings { Alpha = 4, Beta = 0.05 }).Losses(margins) * 4;
        Assert.Equal(3.416048388, loss.item<double>(), 1e-9);
        loss.sum().backward();
        Assert.Equal(-0.024500067, margins.grad![0].item<double>(), 1e-9);
        Assert.Equal(0.099250014, margins.grad![1].item<double>(), 1e-9);
    }

    [Fact]
    public void At_the_reference_the_loss_is_twice_ln_2()
    {
        using var scope = NewDisposeScope();
        var network = Pictured(Networks.OnPolicy);
        Assert.All(network.Descend(new DdoAlgorithm(s_settings with { Alpha = 1 })).Objectives, static objective => Assert.Equal(2 * Math.Log(2), objective.Loss.item<double>(), 1e-12));
    }

    [Theory]
    [InlineData(1, 1, 0.6, 0.3, 0.1)]
    [InlineData(1, 0.5, 0.707767605, 0.260061288, 0.032171107)]
    public void The_optimum_over_three_states_is_the_published_one(double alpha, double beta, params double[] expected)
    {
        using var scope = NewDisposeScope();
        var algorithm = new DdoAlgorithm(new DdoSettings { Alpha = alpha, Beta = beta });
        var (data, reference) = (tensor([0.6, 0.3, 0.1], dtype: float64), tensor([0.4, 0.3, 0.3], dtype: float64));
        var logits = tensor(expected, dtype: float64).log().requires_grad_();
        var margins = logits.log_softmax(0) - reference.log();
        // Every state as a real picture with its share of the data, against every state as a fake with its share of the reference.
        Tensor Side(Tensor real, Tensor fake) => algorithm.Losses(cat([real, fake]));
        var zero = zeros_like(margins);
        var half = Side(zero, zero) / (1 + alpha);
        ((data * (Side(margins, zero) - (half * alpha))) + (reference * (Side(zero, margins) - half))).sum().backward();
        Assert.All(logits.grad!.data<double>(), static slope => Assert.Equal(0, slope, 1e-8));
    }

    [Fact]
    public void Certain_margins_have_a_finite_loss()
    {
        using var scope = NewDisposeScope();
        var loss = new DdoAlgorithm(new DdoSettings { Beta = 1e4 }).Losses(tensor([-3.0, 3.0], dtype: float64)).item<double>();
        Assert.Equal(6e4, loss, 1e-6);
    }

    [Fact]
    public void The_gradient_is_the_derivative_of_the_stated_loss()
    {
        using var scope = NewDisposeScope();
        var network = Pictured();
        Compare(network, network.Descend(new DdoAlgorithm(s_settings)));
        Assert.Equal(network.Calls.Count, 2 * network.Trainings.Count());
    }

    [Fact]
    public void Generated_fakes_come_from_the_reference_without_guidance()
    {
        using var scope = NewDisposeScope();
        var network = Pictured();
        var descent = network.Descend(new DdoAlgorithm(s_settings with { Fakes = FakeSource.Generated }));
        var rolled = network.Calls.Take(network.Schedule.Steps).ToList();
        Assert.All(rolled, static call => Assert.True(call is { Policy: PolicyCopy.Reference, Guided: false, Gradient: false }));
        // The rollouts of this network end where the samples began, which are the real pictures: both sides are the same.
        Assert.All(network.Trainings, static call => Assert.Equal(call.Latents[..(call.Samples / 2)], call.Latents[(call.Samples / 2)..]));
        Assert.NotEqual(0, descent.Loss);
    }

    [Fact]
    public void A_real_picture_and_its_fake_share_time_noise_and_prompt()
    {
        using var scope = NewDisposeScope();
        var network = Pictured();
        network.Descend(new DdoAlgorithm(s_settings));
        Assert.All(network.Trainings, call =>
        {
            var (pairs, noise) = (call.Samples / 2, CopgTests.Noise(network, call));
            Assert.Equal(call.Sigmas[..pairs], call.Sigmas[pairs..]);
            Assert.Equal(call.Groups[..pairs], call.Groups[pairs..]);
            Assert.All(Enumerable.Range(0, pairs), pair => Assert.Equal(noise[pair], noise[pair + pairs], 1e-6));
        });
    }

    private static PolicyNetwork Pictured(Dictionary<string, (double A, double B)>? copies = null)
    {
        var pictured = CopgTests.Pictured(2);
        return new PolicyNetwork { Clean = pictured.Clean, Groups = pictured.Groups, Further = pictured.Further, Copies = copies ?? Networks.Default };
    }

    private static void Compare(PolicyNetwork network, PolicyNetwork.Descent descent)
    {
        PolicyNetwork.Call[] calls = [.. network.Trainings];
        var oracle = new Oracle(network);
        var points = oracle.Points(number => CopgTests.Clean(network, calls[number]));
        oracle.Compare(descent, (a, b) => points.Average(samples => Enumerable.Range(0, samples.Length / 2).Average(pair =>
        {
            double Margin(Oracle.Sample at) => Oracle.Square(oracle.Copy("reference", at), at.Target) - Oracle.Square(Oracle.Velocity(at, (a, b)), at.Target);
            var (real, fake) = (Margin(samples[pair]), Margin(samples[pair + (samples.Length / 2)]));
            return (Math.Log(1 + Math.Exp(-3 * real)) + (2 * Math.Log(1 + Math.Exp(3 * fake)))) / 2;
        })));
    }
}
