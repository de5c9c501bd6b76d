using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Samplers;
using LeapAlign.Samplers.FlowEuler;
using LeapAlign.Testing;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.Direct.Tests;

/// <summary>The scalar linear network: derivatives worked out by hand, and identities between methods.</summary>
public sealed class OracleTests : IDisposable
{
    // Far above every reward, so that the loss is hinge − reward and its gradient the negated one of the sample.
    private const double Hinge = 100;
    private static readonly ISampler Sampler = new FlowEulerSampler(new FlowEulerSettings());
    private readonly TorchSharp.DisposeScope _scope = NewDisposeScope();

    public static TheoryData<string, double, double, double> Rows() => new()
    {
        { "refl 2", 0.9708, -0.622, -0.25 },
        { "draft 1", 0.9664704, -0.216016, -0.04 },
        { "draft 2", 0.9664704, -0.544432, -0.172 },
        { "draft 4", 0.9664704, -1.025018, -0.463526 },
        { "checkpoint 2", 0.9664704, -0.544432, -0.172 },
        { "full", 0.9664704, -1.025018, -0.463526 },
        { "drtune 2 0,2", 0.9708, -0.922, -0.45 },
    };

    [Theory]
    [MemberData(nameof(Rows))]
    public void Agrees_with_the_derivatives_worked_out_by_hand(string method, double value, double a, double b)
    {
        var network = new ScalarNetwork();
        var (objectives, byA, byB) = network.Descend(Method(method), Sampler);
        Assert.Equal(Hinge - value, objectives.Sum(static objective => objective.Loss.item<double>() * objective.Share), 1e-12);
        // The table has six decimals for the long path; its exact value follows from the finite difference below.
        Assert.Equal(a, -byA, 5e-7);
        Assert.Equal(b, -byB, 5e-7);
    }

    [Theory]
    [InlineData("draft 1")]
    [InlineData("draft 3")]
    [InlineData("draft 4")]
    [InlineData("full")]
    public void The_gradient_of_the_real_path_is_its_derivative(string method)
    {
        // Steps before the trained ones keep their weights: the derivative is that of the path from the state that they reached.
        var trained = method == "full" ? 4 : int.Parse(method[^1..], System.Globalization.CultureInfo.InvariantCulture);
        double Sample(double da, double db)
        {
            double[] sigmas = [1, 0.8, 0.5, 0.2, 0];
            var x = 1.5;
            for (var i = 0; i < 4; i++)
            {
                var (a, b) = i >= 4 - trained ? (0.6 + da, -0.4 + db) : (0.6, -0.4);
                x += (sigmas[i + 1] - sigmas[i]) * ((a * x) + (b * sigmas[i]));
            }
            return x;
        }
        const double h = 1e-6;
        var (_, byA, byB) = new ScalarNetwork().Descend(Method(method), Sampler);
        Assert.Equal((Sample(h, 0) - Sample(-h, 0)) / (2 * h), -byA, 1e-9);
        Assert.Equal((Sample(0, h) - Sample(0, -h)) / (2 * h), -byB, 1e-9);
    }

    [Fact]
    public void Methods_meet_where_they_should()
    {
        Same("refl 3", "draft 1");
        Same("lv 0", "draft 1");
        Same("draft 4", "full");
        Same("checkpoint 3", "draft 3");
        Same("drtune 2 2", "refl 2");

        static void Same(string left, string right)
        {
            var (_, leftA, leftB) = new ScalarNetwork().Descend(Method(left), Sampler);
            var (_, rightA, rightB) = new ScalarNetwork().Descend(Method(right), Sampler);
            Assert.Equal(rightA, leftA, 1e-12);
            Assert.Equal(rightB, leftB, 1e-12);
        }
    }

    [Fact]
    public void Drtune_adds_up_over_its_steps()
    {
        var (_, both, _) = new ScalarNetwork().Descend(Method("drtune 3 1,3"), Sampler);
        var (_, first, _) = new ScalarNetwork().Descend(Method("drtune 3 1"), Sampler);
        var (_, second, _) = new ScalarNetwork().Descend(Method("drtune 3 3"), Sampler);
        Assert.Equal(first + second, both, 1e-12);
    }

    [Theory]
    [InlineData("refl 1", 1, 1)]
    [InlineData("refl 3", 3, 1)]
    [InlineData("draft 2", 2, 2)]
    [InlineData("checkpoint 2", 4, 2)]
    [InlineData("lv 2", 3, 3)]
    [InlineData("full", 4, 4)]
    [InlineData("drtune 2 0,2", 1, 2)]
    public void Evaluates_as_often_as_it_says(string method, int plain, int gradient)
    {
        var network = new ScalarNetwork();
        network.Descend(Method(method), Sampler);
        Assert.Equal((plain, gradient), (network.Calls.Count(static call => !call.Gradient), network.Calls.Count(static call => call.Gradient)));
    }

    [Fact]
    public void The_share_of_a_micro_batch_reaches_every_step_of_the_exact_gradient()
    {
        var network = new ScalarNetwork();
        var (_, alone, _) = network.Descend(Method("full"), Sampler);
        network.A.grad = null;
        var batch = network.Batch(Sampler);
        foreach (var objective in Method("full").Step(new AlignmentStep { Index = 0, Batches = [batch, batch], Random = batch.Random })) (objective.Loss * objective.Share).backward();
        Assert.Equal(alone, network.A.grad!.item<double>(), 1e-12);
    }

    public void Dispose() => _scope.Dispose();

    private static IAlgorithm Method(string words)
    {
        int[] numbers = [.. words.Split(' ', ',').Skip(1).Select(static word => int.Parse(word, System.Globalization.CultureInfo.InvariantCulture))];
        return words.Split(' ')[0] switch
        {
            "refl" => new ReflAlgorithm(new ReflSettings { Hinge = Hinge }, (_, _) => numbers[0]),
            "draft" => new DraftAlgorithm(new DraftSettings { Hinge = Hinge, GradientSteps = numbers[0] }, DraftAlgorithm.DrawNoise),
            "checkpoint" => new DraftAlgorithm(new DraftSettings { Hinge = Hinge, GradientSteps = numbers[0], Checkpoint = true }, DraftAlgorithm.DrawNoise),
            "lv" => new DraftAlgorithm(new DraftSettings { Hinge = Hinge, ReNoised = numbers[0] }, DraftAlgorithm.DrawNoise),
            "full" => new FullAlgorithm(new FullSettings { Hinge = Hinge }),
            _ => new DrtuneAlgorithm(new DrtuneSettings { Hinge = Hinge }, (_, _) => new DrtuneSteps(numbers[0], numbers[1..])),
        };
    }
}
