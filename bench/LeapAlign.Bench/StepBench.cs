using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Host.Kernel;
using LeapAlign.Host.Kernel.Guards;
using LeapAlign.Host.Kernel.Rewards;
using LeapAlign.Host.Kernel.Stages;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Bench;

/// <summary>
/// Where the time of a step goes: its parts measured alone, then whole steps of the kernel, and the ratio of the two. The network evaluations of the
/// ledger all count at the price of one without gradient.
/// </summary>
internal static class StepBench
{
    private const int Runs = 15;

    public static Result<Unit> Run(IReadOnlyList<string> overrides) => Bench.With(overrides, bench =>
    {
        Yardstick();
        // Before and after the steps: the speed of a shared machine drifts.
        var before = Alone(bench);
        var steps = Steps(bench);
        var after = Alone(bench);
        var alone = before.ToDictionary(static pair => pair.Key, pair => (pair.Value + after[pair.Key]) / 2);
        foreach (var (part, seconds) in alone) Console.WriteLine($"{part,-34} {seconds,9:F4} s");
        Report(steps, alone);
    });

    /// <summary>What the machine can do at best, so that figures of different machines can be compared.</summary>
    private static void Yardstick()
    {
        const int size = 2048;
        using var scope = NewDisposeScope();
        using var gradients = no_grad();
        foreach (var type in new[] { ScalarType.BFloat16, ScalarType.Float32 })
        {
            var left = RandomKey.OfRun(2).Normal([size, size], CPU).to(type);
            var seconds = Bench.Seconds(Runs, () =>
            {
                using var product = left.matmul(left);
            });
            Console.WriteLine($"{size} x {size} product, {type,-18} {2.0 * size * size * size / seconds / 1e9,9:F0} GF/s");
        }
    }

    private static Dictionary<string, double> Alone(Bench bench)
    {
        var (plan, parts) = (bench.Plan, bench.Parts);
        var prompts = parts.Prompts.Take(plan.Run.Batch).ToList();
        var schedule = parts.Sampler.CreateSchedule(parts.Model.Scheduling);
        var shape = parts.Pictures.Latents.Shape;
        using var conditioning = parts.Model.Encode(new ConditioningRequest([.. prompts.Select(static prompt => prompt.Text)], plan.Guidance, parts.Model.NativeSize));
        using var noise = RandomKey.OfRun(1).Normal([plan.Run.Batch, .. shape], CPU);
        var stages = new OpenStages();
        var score = new Scoring(parts.Model, parts.Pictures.Size, parts.Rewards, stages);
        using var watch = new FiniteWatch();
        Dictionary<string, double> seconds = [];
        seconds["F, one evaluation"] = Bench.Seconds(Runs, () =>
        {
            using var scope = NewDisposeScope();
            using var gradients = no_grad();
            parts.Model.Velocity(noise, [schedule.Sigma(1)], conditioning);
        });
        List<double> decode = [], reward = [], backward = [];
        for (var run = 0; run <= Runs; run++)
        {
            using var scope = NewDisposeScope();
            var first = RectifiedFlow.Leap(noise, parts.Model.Velocity(noise, [schedule.Sigma(0)], conditioning), -0.5);
            var second = RectifiedFlow.Leap(first, parts.Model.Velocity(first, [schedule.Sigma(schedule.Steps / 2)], conditioning), -0.5);
            var rewards = score.Score(second, prompts, static (_, _) => { }, watch).Total;
            using (stages.Enter("backward")) (1.5 - rewards).relu().mean().backward();
            watch.Clear();
            parts.Trained.Parameters.ClearGradients();
            parts.Model.Refresh();
            var times = stages.Times.Take();
            if (run == 0) continue;
            decode.Add(times["decode"]);
            reward.Add(times["score"]);
            backward.Add(times["backward"]);
        }
        seconds["decode, with gradient"] = Bench.Median(decode);
        seconds["reward, with gradient"] = Bench.Median(reward);
        seconds["backward, two evaluations"] = Bench.Median(backward);
        return seconds;
    }

    private static List<StepReport> Steps(Bench bench)
    {
        var plan = bench.Plan;
        var quiet = plan with { Run = plan.Run with { Steps = Runs + 2 }, Evaluation = plan.Evaluation with { Every = -1 } };
        var observer = new Collector();
        using (var kernel = new RunKernel(quiet, bench.Parts, CPU, [observer]))
            kernel.Run(CancellationToken.None).Required();
        return [.. observer.Steps.Skip(2)];
    }

    private static void Report(IReadOnlyList<StepReport> steps, Dictionary<string, double> alone)
    {
        var whole = Bench.Median(steps.Select(static step => step.Seconds));
        var evaluations = steps[0].Evaluations;
        Console.WriteLine($"{"whole step",-34} {whole,9:F4} s   {evaluations} evaluations");
        var stages = steps.SelectMany(static step => step.Stages.Keys).Distinct().ToDictionary(static stage => stage, stage => Bench.Median(steps.Select(step => step.Stages.GetValueOrDefault(stage))));
        foreach (var (stage, seconds) in stages.OrderByDescending(static pair => pair.Value)) Console.WriteLine($"  {stage,-32} {seconds,9:F4} s {seconds / whole,7:P1}");
        var ledger = (evaluations * alone["F, one evaluation"]) + alone.Where(static pair => pair.Key != "F, one evaluation").Sum(static pair => pair.Value);
        Console.WriteLine($"{"step / ledger",-34} {whole / ledger,9:F3}     ledger: evaluations x F + decode + reward + backward = {ledger:F4} s");
        string[] arithmetic = ["encode", "velocity", "decode", "score", "backward", "clip", "update", "refresh"];
        var host = Bench.Median(steps.Select(step => 1 - (arithmetic.Sum(stage => step.Stages.GetValueOrDefault(stage)) / step.Seconds)));
        Console.WriteLine($"{"host share",-34} {host,9:P2}     all but {string.Join(", ", arithmetic)}");
    }

    private sealed class Collector : IRunObserver
    {
        public List<StepReport> Steps { get; } = [];

        public Result<Unit> Stepped(StepReport report)
        {
            Steps.Add(report);
            return Unit.Value;
        }
    }
}
