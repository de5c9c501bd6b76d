using System.Text.Json;
using System.Text.Json.Serialization;
using LeapAlign.Contracts.State;

namespace LeapAlign.Host.Kernel.Ranks;

/// <summary>What a process has to know of a part's state before its tensors come.</summary>
/// <param name="Version">The version of its form.</param>
/// <param name="Numbers">Its numbers.</param>
/// <param name="Tensors">Its tensors, in the order in which they come.</param>
internal sealed record StateForm(int Version, IReadOnlyDictionary<string, double> Numbers, IReadOnlyList<TensorForm> Tensors)
{
    public static JsonSerializerOptions Options { get; } = new() { NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals };

    public static byte[] Write(PartState state) => JsonSerializer.SerializeToUtf8Bytes(new StateForm(state.Version, state.Numbers, [.. state.Tensors.Select(static tensor => new TensorForm(tensor.Name, (int)tensor.Value.dtype, tensor.Value.shape))]), Options);

    public static StateForm Read(byte[] bytes) => JsonSerializer.Deserialize<StateForm>(bytes, Options)!;
}

/// <summary>A tensor of a state.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">Its type, a ScalarType.</param>
/// <param name="Shape">Its shape.</param>
internal sealed record TensorForm(string Name, int Type, long[] Shape);
