using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Layers;

/// <summary>Activation functions by the names that config files of transformers give them; several names mean the same function.</summary>
public static class Activation
{
    private static readonly TorchSharp.Scalar QuickSlope = 1.702;
    private static readonly Dictionary<string, Func<Tensor, Tensor>> ByName = new()
    {
        ["gelu"] = GeluErf,
        ["gelu_python"] = GeluErf,
        ["gelu_new"] = GeluTanh,
        ["gelu_fast"] = GeluTanh,
        ["gelu_accurate"] = GeluTanh,
        ["gelu_pytorch_tanh"] = GeluTanh,
        ["gelu_python_tanh"] = GeluTanh,
        ["quick_gelu"] = QuickGelu,
        ["silu"] = Silu,
        ["swish"] = Silu,
        ["relu"] = static input => nn.functional.relu(input),
    };

    /// <summary>The names that are known.</summary>
    public static IReadOnlyCollection<string> Names => ByName.Keys;

    /// <summary>Finds an activation.</summary>
    /// <param name="name">Its name in config.json.</param>
    /// <param name="place">The config file, for the message.</param>
    public static Result<Func<Tensor, Tensor>> Find(string name, string place) => ByName.TryGetValue(name, out var function)
        ? function
        : new Fault.Input(FaultCodes.WrongModelClass, $"activation '{name}' is not known; known are {string.Join(", ", ByName.Keys)}", new SourcePlace(place));

    /// <summary>
    /// Limits to [0, 1]; the gradient is 1 inside and at the ends, 0 outside. (At the ends matters: in reduced precision saturated pixels lie exactly there.)
    /// </summary>
    public static Tensor Clamp01(Tensor input) => input.device_type != TorchSharp.DeviceType.META
        ? input.clamp(0, 1)
        // libtorch cannot differentiate clamp() on the "meta" device; the shapes are those of two thresholds.
        : nn.functional.threshold(nn.functional.threshold(input, 0, 0).neg(), -1, -1).neg();

    /// <summary>Limits to 0 and above; the gradient is 1 above 0, else 0.</summary>
    public static Tensor AtLeastZero(Tensor input) => nn.functional.relu(input);

    /// <summary><c>x · sigmoid(x)</c>.</summary>
    public static Tensor Silu(Tensor input) => nn.functional.silu(input);

    /// <summary><c>x Φ(x)</c>.</summary>
    public static Tensor GeluErf(Tensor input) => nn.functional.gelu(input);

    /// <summary><c>½ x (1 + tanh(√(2/π)(x + 0.044715 x³)))</c>.</summary>
    public static Tensor GeluTanh(Tensor input) => nn.functional.gelu(input, TorchSharp.Modules.GELU.Approximate.tanh);

    /// <summary><c>x · sigmoid(1.702 x)</c>.</summary>
    public static Tensor QuickGelu(Tensor input) => input * (input * QuickSlope).sigmoid();
}
