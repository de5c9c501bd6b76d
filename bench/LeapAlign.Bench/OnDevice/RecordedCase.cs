using LeapAlign.Networks.Weights;
using LeapAlign.Storage.Safetensors;
using static TorchSharp.torch;

namespace LeapAlign.Bench.OnDevice;

/// <summary>A module that was recorded in tests/fixtures, brought to a device: how far outputs and gradients are from what was recorded, as a share of what the tests allow.</summary>
internal sealed class RecordedCase
{
    private readonly string _folder;
    private readonly Device _device;
    private readonly IWeightSource _recorded;

    public RecordedCase(string folder, Device device)
    {
        (_folder, _device) = (folder, device);
        _recorded = Open("io.safetensors");
    }

    public string ConfigPath => Path.Combine(_folder, "config.json");

    /// <summary>The furthest output. More than 1 is more than tests/fixtures/README.md allows.</summary>
    public double Values { get; private set; }

    /// <summary>The furthest gradient, of inputs and parameters.</summary>
    public double Gradients { get; private set; }

    public void Load(WeightSet weights, Func<string, string>? rename = null)
    {
        weights.Load(Open(File.Exists(Path.Combine(_folder, "model.safetensors")) ? "model.safetensors" : "diffusion_pytorch_model.safetensors"), _device, float32, rename).Required();
        weights.SetTrained(true);
        weights.Refresh();
    }

    public Tensor Recorded(string key) => _recorded.Read(key).Required().to(_device);

    public Tensor Recorded(string file, string key) => Open(file).Read(key).Required().to(_device);

    /// <summary>An input, ready for gradients.</summary>
    public Tensor Input(string name) => Recorded($"in.{name}").requires_grad_();

    /// <summary>Looks at an output.</summary>
    public void Compare(Tensor actual, string key = "out")
    {
        var expected = _recorded.Read(key).Required().to(float64);
        var difference = (Exact(actual) - expected).abs().max().item<double>();
        Values = Math.Max(Values, difference / (1e-5 * Math.Max(1, expected.abs().max().item<double>())));
    }

    /// <summary>Backpropagates the recorded gradient of an output, and looks at all that were recorded for it.</summary>
    public void Backward(Tensor output, WeightSet weights, IReadOnlyDictionary<string, Tensor> inputs)
    {
        output.backward([Recorded("upstream")]);
        var masters = weights.Parameters.ToDictionary(static weight => $"grad.{weight.FileName}", static weight => weight.Master);
        foreach (var (name, input) in inputs) masters[$"grad.in.{name}"] = input;
        var recorded = _recorded.Entries.Keys.Where(static key => key.StartsWith("grad.", StringComparison.Ordinal)).ToDictionary(static key => key, key => _recorded.Read(key).Required().to(float64));
        var largest = recorded.Values.Select(Norm).DefaultIfEmpty().Max();
        foreach (var (key, expected) in recorded)
        {
            var difference = masters[key].grad is { } gradient ? Exact(gradient) - expected : expected;
            Gradients = Math.Max(Gradients, Norm(difference) / ((1e-4 * Norm(expected)) + (3e-7 * largest)));
        }
    }

    private static double Norm(Tensor tensor) => tensor.norm().item<double>();

    private static Tensor Exact(Tensor tensor) => tensor.detach().cpu().to(float64);

    private IWeightSource Open(string file) => SafetensorsFile.Open(Path.Combine(_folder, file)).Required();
}
