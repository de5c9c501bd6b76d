using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Layers;

/// <summary>Activation functions by the names that config files give them.</summary>
public static class Activation
{
    private static readonly TorchSharp.Scalar QuickSlope = 1.702;
    private static readonly Dictionary<string, Func<Tensor, Tensor>> ByName = new()
    {
        ["gelu"] = GeluErf,
        ["gelu_new"] = GeluTanh,
        ["gelu_pytorch_tanh"] = GeluTanh,
        ["gelu-approximate"] = GeluTanh,
        ["quick_gelu"] = QuickGelu,
        ["silu"] = Silu,
        ["relu"] = static input => nn.functional.relu(input),
    };

    /// <summary>Finds an activation.</summary>
    /// <param name="name">Its name in config.json.</param>
    /// <param name="place">The config file, for the message.</param>
    public static Result<Func<Tensor, Tensor>> Find(string name, string place) => ByName.TryGetValue(name, out var function)
        ? function
        : new Fault.Input(FaultCodes.WrongModelClass, $"activation '{name}' is not known; known are {string.Join(", ", ByName.Keys)}", new SourcePlace(place));

    /// <summary><c>x · sigmoid(x)</c>.</summary>
    public static Tensor Silu(Tensor input) => nn.functional.silu(input);

    /// <summary><c>x Φ(x)</c>.</summary>
    public static Tensor GeluErf(Tensor input) => nn.functional.gelu(input);

    /// <summary><c>½ x (1 + tanh(√(2/π)(x + 0.044715 x³)))</c>.</summary>
    public static Tensor GeluTanh(Tensor input) => nn.functional.gelu(input, TorchSharp.Modules.GELU.Approximate.tanh);

    /// <summary><c>x · sigmoid(1.702 x)</c>.</summary>
    public static Tensor QuickGelu(Tensor input) => input * (input * QuickSlope).sigmoid();
}
