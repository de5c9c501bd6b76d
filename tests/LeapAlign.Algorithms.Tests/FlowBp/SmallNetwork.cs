using LeapAlign.Contracts.Algorithms;
using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Prompts;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Contracts.Rewards;
using LeapAlign.Testing;
using static TorchSharp.torch;

namespace LeapAlign.Algorithms.FlowBp.Tests;

/// <summary>A small nonlinear network in double, <c>v = U tanh(M x + c σ)</c>, and a nonlinear reward.</summary>
internal sealed class SmallNetwork
{
    private const int Size = 3;

    public SmallNetwork() => Parameters = [Drawn("u", Size, Size), Drawn("m", Size, Size), Drawn("c", Size)];

    public Tensor[] Parameters { get; }

    public Schedule Schedule { get; } = new([1, 0.93, 0.81, 0.6, 0.42, 0.27, 0.1, 0]);

    public Tensor Noise { get; } = Normal("noise", 2, Size);

    public static Tensor Evaluate(Tensor[] parameters, Tensor latents, double sigma) =>
        (latents.matmul(parameters[1]) + (parameters[2] * sigma)).tanh().matmul(parameters[0]);

    public static Tensor Reward(Tensor latents) => (latents.sin() + (latents.square() * 0.3)).sum([1]);

    /// <summary>The gradient of a step, all parameters one after another.</summary>
    public (Objective Objective, double[] Gradient) Descend(IAlgorithm algorithm)
    {
        foreach (var parameter in Parameters) parameter.grad = null;
        var services = new ScriptedStep((latents, sigmas) => Evaluate(Parameters, latents, sigmas[0]), static latents => Scores.Of(Reward(latents)));
        var batch = new MicroBatch(services)
        {
            Prompts = [new Prompt(0, "a"), new Prompt(1, "b")],
            Noise = Noise,
            Schedule = Schedule,
            Sampler = Scalar.Sampler,
            Samples = [0, 1],
            Random = RandomKey.OfRun(0),
            StepKey = RandomKey.OfRun(0),
        };
        var objective = algorithm.Step(new AlignmentStep(services) { Index = 0, Batches = [batch], Random = RandomKey.OfRun(0) }).Single();
        objective.Loss.backward();
        return (objective, [.. Parameters.SelectMany(static parameter => parameter.grad!.data<double>().ToArray())]);
    }

    /// <summary>The central difference quotients of a function of the parameters, all one after another.</summary>
    public double[] Differences(Func<Tensor[], double> function)
    {
        const double h = 1e-5;
        List<double> quotients = [];
        using var _ = no_grad();
        for (var parameter = 0; parameter < Parameters.Length; parameter++)
        {
            for (var entry = 0; entry < Parameters[parameter].numel(); entry++)
            {
                quotients.Add((function(Moved(parameter, entry, h)) - function(Moved(parameter, entry, -h))) / (2 * h));
            }
        }
        return [.. quotients];
    }

    private Tensor[] Moved(int parameter, int entry, double by)
    {
        Tensor[] moved = [.. Parameters.Select(static value => value.detach().clone())];
        moved[parameter].view(-1)[entry] += by;
        return moved;
    }

    private static Tensor Drawn(string name, params long[] shape) => (Normal(name, shape) * 0.7).requires_grad_();

    private static Tensor Normal(string name, params long[] shape) => RandomKey.OfRun(5).For(name).Normal(shape, CPU).to(float64);
}
