using FsCheck;
using FsCheck.Xunit;
using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Contracts.Samplers;
using LeapAlign.Methods.Schedules;
using LeapAlign.Testing;
using static TorchSharp.torch;

namespace LeapAlign.Samplers.Dpm.Tests;

/// <summary>Steps with added noise.</summary>
public sealed class NoiseTests
{
    private static readonly Schedule Schedule = Sigmas.Explicit(20, 3);

    [Fact]
    public void With_eta_1_two_steps_are_those_of_the_SDE_version()
    {
        using var scope = NewDisposeScope();
        const int first = 8;
        var path = new SamplingPath(Schedule, Curved) { From = first, To = first + 2, Noise = step => Normal(step) };
        var (state, before) = (Normal(100), (Tensor?)null);
        for (var step = first; step < first + 2; step++)
        {
            var (s, t) = (Schedule.Sigma(step), Schedule.Sigma(step + 1));
            var h = Lambda(t) - Lambda(s);
            var data = state - (s * Curved(state, step));
            var fresh = (1 - t) * (1 - Math.Exp(-2 * h));
            var next = (t / s * Math.Exp(-h) * state) + (fresh * data) + (t * Math.Sqrt(1 - Math.Exp(-2 * h)) * Normal(step));
            if (before is not null) next += 0.5 * fresh * (data - before) * (h / (Lambda(s) - Lambda(Schedule.Sigma(step - 1))));
            (state, before) = (next, data);
        }
        Agreement.Values(new DpmSampler(new DpmSettings { Eta = 1 }).Roll(Normal(100), path), state, "state", 1e-12);
    }

    [Fact]
    public void In_the_first_order_the_noise_is_that_of_DDIM()
    {
        using var scope = NewDisposeScope();
        const double eta = 0.6;
        foreach (var step in Enumerable.Range(0, Schedule.Steps))
        {
            var (s, t) = (Schedule.Sigma(step), Schedule.Sigma(step + 1));
            var rho = eta * t * Math.Sqrt(1 - (t * t * (1 - s) * (1 - s) / (s * s * (1 - t) * (1 - t))));
            var velocity = Curved(Normal(100), step);
            var data = Normal(100) - (s * velocity);
            var expected = ((1 - t) * data) + (Math.Sqrt((t * t) - (rho * rho)) * ((Normal(100) - ((1 - s) * data)) / s)) + (rho * Normal(step));
            var path = new SamplingPath(Schedule, Curved) { From = step, To = step + 1, Noise = index => Normal(index) };
            Agreement.Values(new DpmSampler(new DpmSettings { Order = 1, Eta = eta }).Roll(Normal(100), path), expected, $"step {step}", 1e-12);
        }
    }

    [Property(MaxTest = 200)]
    public bool A_step_leaves_the_noise_level_of_the_schedule(PositiveInt number, PositiveInt index, PositiveInt hundredths, bool fromOne)
    {
        // From x_s = α_s m + s ε with a true prediction m: the mean becomes α_t m and the variance t², whatever η is.
        var steps = 2 + (number.Get % 40);
        var schedule = fromOne ? Sigmas.Explicit(steps, 3) : new Schedule(Enumerable.Range(0, steps + 1).Select(step => 0.9 * (steps - step) / steps));
        var (step, eta) = (index.Get % steps, hundredths.Get % 101 / 100.0);
        var (from, to) = (schedule.Sigma(step), schedule.Sigma(step + 1));
        var made = DpmStep.Of(schedule, step, eta, secondOrder: false);
        var mean = (made.State * (1 - from)) + made.Data;
        var variance = Math.Pow(made.State * from, 2) + Math.Pow(made.Noise, 2);
        return Math.Abs(mean - (1 - to)) < 1e-12 && Math.Abs(variance - (to * to)) < 1e-12 && made.Noise >= 0 && (made.Noise > 0 || eta == 0 || to == 0);
    }

    [Fact]
    public void Without_eta_no_noise_is_asked_for_and_without_noise_eta_changes_nothing()
    {
        using var scope = NewDisposeScope();
        var path = new SamplingPath(Schedule, Curved);
        var plain = new DpmSampler(new DpmSettings()).Roll(Normal(100), path with { Noise = static step => throw new InvalidOperationException($"asked at {step}") });
        Assert.True(new DpmSampler(new DpmSettings { Eta = 0.7 }).Roll(Normal(100), path).equal(plain).all().item<bool>());
        var noisy = new DpmSampler(new DpmSettings { Eta = 0.7 }).Roll(Normal(100), path with { Noise = step => step == 5 ? Normal(step) : null });
        Assert.False(noisy.equal(plain).all().item<bool>());
    }

    [Fact]
    public void The_noise_is_disposed()
    {
        using var scope = NewDisposeScope();
        List<Tensor> handed = [];
        new DpmSampler(new DpmSettings { Eta = 1 }).Roll(Normal(100), new SamplingPath(Schedule, Curved) { Noise = Handed });
        Assert.Equal(Schedule.Steps, handed.Count);
        Assert.All(handed, static noise => Assert.True(noise.IsInvalid));

        Tensor Handed(int step)
        {
            handed.Add(Normal(step));
            return handed[^1];
        }
    }

    private static double Lambda(double sigma) => Math.Log(1 - sigma) - Math.Log(sigma);

    private static Tensor Normal(long seed) => RandomKey.OfRun(seed).Normal([2, 3], CPU).to(float64);

    private static Tensor Curved(Tensor latents, int step) => (latents * 1.3).sin() + (0.1 * step);
}
