using System.Globalization;
using System.Text.RegularExpressions;
using LeapAlign.Pipeline;
using LeapAlign.Storage.Safetensors;
using static TorchSharp.torch;

namespace LeapAlign.Bench.FullSize;

/// <summary>
/// How alike two adapter files are, block by block: the cosine of all their tensors but the factors that come first (A), whose start is random. After one step of gradient descent from the same start the second
/// factors are the step's gradient, up to one number: B begins at zero.
/// </summary>
internal static partial class AdapterCosine
{
    /// <summary>Prints the cosine of each block and of all.</summary>
    /// <param name="first">An adapter file.</param>
    /// <param name="second">Another, of the same layers.</param>
    public static Result<Unit> Run(string first, string second) => SafetensorsFile.Open(first).Bind(left =>
    {
        using (left)
        {
            return SafetensorsFile.Open(second).Bind(right =>
            {
                using (right) return Compare(left, right);
            });
        }
    });

    private static Result<Unit> Compare(SafetensorsFile left, SafetensorsFile right)
    {
        using var scope = NewDisposeScope();
        var names = left.Entries.Keys.Where(static name => name.Contains("lora_B", StringComparison.Ordinal)).ToArray();
        if (names.Length == 0 || !names.All(right.Entries.ContainsKey)) return Misfit(left, right);
        SortedDictionary<string, Sums> blocks = new(StringComparer.Ordinal);
        var all = new Sums();
        foreach (var name in names)
        {
            if (!left.Read(name).TryGet(out var x, out var fault) || !right.Read(name).TryGet(out var y, out fault)) return fault;
            if (!blocks.TryGetValue(Block(name), out var sums)) blocks.Add(Block(name), sums = new Sums());
            using (x)
            {
                using (y)
                {
                    sums.Add(x, y);
                    all.Add(x, y);
                }
            }
        }
        foreach (var (block, sums) in blocks) Console.WriteLine($"{block,-32} {sums}");
        Console.WriteLine($"{"all",-32} {all}");
        return Unit.Value;
    }

    private static Fault.Input Misfit(SafetensorsFile left, SafetensorsFile right) =>
        new(FaultCodes.TensorMismatch, $"the two files are not adapters of the same layers: expected tensors lora_B of the same names, as in {left.Location}", new SourcePlace(right.Location));

    // The number in two digits, so that blocks are in order.
    private static string Block(string name) => Depth().Match(name) is { Success: true } found
        ? $"{found.Groups[1].Value}.{int.Parse(found.Groups[2].Value, CultureInfo.InvariantCulture):00}"
        : "elsewhere";

    [GeneratedRegex(@"((?:single_)?transformer_blocks)\.(\d+)\.")]
    private static partial Regex Depth();

    private sealed class Sums
    {
        private double _product, _first, _second;

        public void Add(Tensor x, Tensor y)
        {
            using var scope = NewDisposeScope();
            var (a, b) = (x.to(ScalarType.Float64), y.to(ScalarType.Float64));
            _product += (a * b).sum().item<double>();
            _first += a.square().sum().item<double>();
            _second += b.square().sum().item<double>();
        }

        public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"cosine {_product / Math.Sqrt(_first * _second):F4}   length {Math.Sqrt(_second / _first):F3} of the first");
    }
}
