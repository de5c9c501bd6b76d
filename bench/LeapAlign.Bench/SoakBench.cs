using System.Globalization;
using LeapAlign.Host.Kernel;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Bench;

/// <summary>Many steps of a small configuration: resident memory, open files and tensors alive must not grow (Linux).</summary>
internal static class SoakBench
{
    // Few captions: their embeddings are cached, and the caches are full in the first quarter.
    private static readonly string[] s_small = ["run.batch=1", "sampler.settings.steps=4", "prompts.settings.path=models/prompts/shapes-eval.jsonl", "evaluation.every=-1", "checkpoint.every=-1"];

    public static Result<Unit> Run(int steps, IReadOnlyList<string> overrides) => Bench.With([.. s_small, $"run.steps={steps}", .. overrides], static bench =>
    {
        var observer = new Watch(bench.Plan.Run.Steps / 20);
        using (var kernel = new RunKernel(bench.Plan, bench.Parts, CPU, [observer])) kernel.Run(CancellationToken.None).Required();
        // The first quarter fills caches: text embeddings, pages of the allocator.
        var (slope, error) = Slope(observer.Points[(observer.Points.Count / 4)..]);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"resident memory grows by {slope * 1000:+0.0;-0.0} kB in 1000 steps, standard error {error * 1000:0.0} kB"));
        Console.WriteLine($"open files {observer.Files.Min()} to {observer.Files.Max()}, tensors alive {observer.Tensors.Min()} to {observer.Tensors.Max()}");
    });

    /// <summary>The slope of a line through the points by least squares, and its standard error.</summary>
    private static (double Slope, double Error) Slope(IReadOnlyList<(double X, double Y)> points)
    {
        var (x, y) = (points.Average(static point => point.X), points.Average(static point => point.Y));
        var spread = points.Sum(point => (point.X - x) * (point.X - x));
        var slope = points.Sum(point => (point.X - x) * (point.Y - y)) / spread;
        var rest = points.Sum(point => Math.Pow(point.Y - y - (slope * (point.X - x)), 2));
        return (slope, Math.Sqrt(rest / Math.Max(1, points.Count - 2) / spread));
    }

    private sealed class Watch(int every) : IRunObserver
    {
        public List<(double X, double Y)> Points { get; } = [];

        public List<int> Files { get; } = [];

        public List<long> Tensors { get; } = [];

        public Result<Unit> Stepped(StepReport report)
        {
            var kilobytes = ProcessStatus.Kilobytes("VmRSS");
            Points.Add((report.Index, kilobytes));
            if (report.Index < 3) return Unit.Value;
            Files.Add(Directory.GetFiles("/proc/self/fd").Length);
            Tensors.Add(TorchSharp.DisposeScopeManager.Statistics.ThreadTotalLiveCount);
            if (report.Index % every == 0) Console.WriteLine($"step {report.Index,6}  {kilobytes,12:N0} kB  {Files[^1]} open files  {Tensors[^1]} tensors");
            return Unit.Value;
        }
    }
}
