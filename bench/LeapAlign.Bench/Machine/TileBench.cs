using System.Globalization;
using LeapAlign.Contracts.Randomness;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Bench.Machine;

/// <summary>What it costs to leave AMX aside, which a run does where threads cannot get a larger stack for signals: bfloat16 products and whole steps, with and without.</summary>
internal static class TileBench
{
    private const int Rounds = 3;
    private static readonly Dictionary<string, string> s_all = [];
    private static readonly Dictionary<string, string> s_without = new() { ["ONEDNN_MAX_CPU_ISA"] = "AVX512_CORE_BF16" };

    public static Result<Unit> Run(IReadOnlyList<string> overrides)
    {
        Console.WriteLine(SignalStack.ProcessorHasTiles
            ? "this processor has AMX"
            : "this processor has no AMX: both columns compute the same, and a ratio beside 1 is the noise of this machine");
        Compare("2048 x 2048 product, bfloat16", "GF/s", ["product-of"]);
        Compare("whole step", "s", ["steps-of", "3", .. overrides]);
        return Unit.Value;
    }

    /// <summary>Prints what this process multiplies at best.</summary>
    public static Result<Unit> Measure()
    {
        const int size = 2048;
        using var scope = NewDisposeScope();
        using var gradients = no_grad();
        var left = RandomKey.OfRun(2).Normal([size, size], CPU).to(ScalarType.BFloat16);
        var seconds = Bench.Seconds(15, () =>
        {
            using var product = left.matmul(left);
        });
        Console.WriteLine((2.0 * size * size * size / seconds / 1e9).ToString("R", CultureInfo.InvariantCulture));
        return Unit.Value;
    }

    private static void Compare(string what, string unit, string[] arguments)
    {
        List<double> all = [], without = [];
        for (var round = 0; round < Rounds; round++)
        {
            all.Add(StepsOf.Spawn(s_all, null, arguments));
            without.Add(StepsOf.Spawn(s_without, null, arguments));
        }
        var (with, less) = (Bench.Median(all), Bench.Median(without));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{what,-34} {with,9:F3} {unit,-5} without AMX {less,9:F3} {unit,-5} {less / with:F3}"));
    }
}
