using System.Text.Json;
using LeapAlign.Networks.Weights;
using LeapAlign.Pipeline;
using LeapAlign.Storage.Safetensors;
using LeapAlign.Testing;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Tests.Diffusion;

/// <summary>
/// A recorded module: its configuration, weights, inputs, outputs and gradients, and the comparison of all of them with a network. Its tensors live in
/// the dispose scope in which it is made.
/// </summary>
internal sealed class ReferenceCase
{
    private const double Relative = 1e-4;
    private readonly string _folder;
    private readonly IWeightSource _recorded;
    private readonly Dictionary<string, double> _gradientNorms;

    public ReferenceCase(string name)
    {
        _folder = Repository.Fixture(name);
        _recorded = Open("io.safetensors");
        using var norms = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(_folder, "gradient-norms.json")));
        _gradientNorms = norms.RootElement.EnumerateObject().ToDictionary(entry => entry.Name, entry => entry.Value.GetDouble());
    }

    public string ConfigPath => Path.Combine(_folder, "config.json");

    /// <summary>The weights, under the file name of the library that wrote them.</summary>
    public IWeightSource Weights =>
        Open(File.Exists(Path.Combine(_folder, "model.safetensors")) ? "model.safetensors" : "diffusion_pytorch_model.safetensors");

    public IWeightSource Open(string file) => Recording.Require(SafetensorsFile.Open(Path.Combine(_folder, file)));

    public Tensor Recorded(string key) => Recording.Require(_recorded.Read(key));

    /// <summary>An input, ready for gradients.</summary>
    public Tensor Input(string name) => Recorded("in." + name).requires_grad_();

    /// <summary>Backpropagates the recorded upstream gradient and compares the gradients of inputs and of every parameter, by their names in the file.</summary>
    /// <param name="output">What the network gave.</param>
    /// <param name="weights">Its weights.</param>
    /// <param name="inputs">Its inputs.</param>
    /// <param name="phase">An input that is encoded by cosines of large multiples, and how many radians they are off by rounding: its gradient is known no better than that.</param>
    public void CompareGradients(Tensor output, WeightSet weights, IReadOnlyDictionary<string, Tensor> inputs, (string Input, double Radians)? phase = null)
    {
        output.backward([Recorded("upstream")]);
        CompareInputs(inputs, phase);
        var largest = _gradientNorms.Values.Max();
        var parameters = weights.Parameters.ToDictionary(weight => weight.FileName, weight => weight.Master.grad);
        foreach (var name in Keys("grad.").Where(name => !name.StartsWith("in.", StringComparison.Ordinal)))
            Agreement.Gradient(parameters[name], Recorded("grad." + name), largest, name);
        Assert.Empty(_gradientNorms.Keys.Except(parameters.Keys));
        foreach (var (name, gradient) in parameters)
        {
            var norm = gradient is null ? 0 : gradient.to(float64).norm().item<double>();
            Agreement.GradientNorm(norm, _gradientNorms.GetValueOrDefault(name), largest, name);
        }
    }

    private void CompareInputs(IReadOnlyDictionary<string, Tensor> inputs, (string Input, double Radians)? phase)
    {
        var recorded = Keys("grad.in.").ToDictionary(name => name, name => Recorded("grad.in." + name));
        Assert.Equal(inputs.Keys.Order(), recorded.Keys.Order());
        if (recorded.Count == 0) return;
        var largest = recorded.Values.Max(gradient => gradient.to(float64).norm().item<double>());
        foreach (var (name, reference) in recorded) Agreement.Gradient(inputs[name].grad, reference, largest, name, phase is { } known && known.Input == name ? Relative + known.Radians : Relative);
    }

    private IEnumerable<string> Keys(string prefix) =>
        _recorded.Entries.Keys.Where(key => key.StartsWith(prefix, StringComparison.Ordinal)).Select(key => key[prefix.Length..]);
}
