using LeapAlign.Contracts.Weights;
using LeapAlign.Pipeline;
using static TorchSharp.torch;

namespace LeapAlign.Contracts.Models;

/// <summary>
/// A model whose network can take a second time: it predicts the mean velocity <c>u(x, s, t)</c> over a jump from σ = s to σ = t. It provides <see cref="Plugins.Capabilities.FlowMap"/> where its settings
/// ask for that. <see cref="IModel.Velocity"/> is <c>u(x, s, s)</c> then. What the second time passes through is trained whatever else is: a model that is frozen beside an adapter has
/// these parameters (<see cref="ITrainable.Parameters"/>), behind the adapter's in the run.
/// </summary>
public interface IFlowMapModel : IModel
{
    /// <summary>The name of the file that a flow map has beside what a model of its family has: its gap embedding. It lies beside model_index.json, or beside the file of an adapter.</summary>
    const string FileName = "flow_map.safetensors";

    /// <summary>Whether the settings ask for a flow map. The other members are for models of which that is so.</summary>
    bool IsFlowMap { get; }

    /// <summary>The file that the gap embedding was read from; null for a new one, which changes nothing yet.</summary>
    string? MapFile { get; }

    /// <summary>The guided mean velocity, with gradient when gradients are enabled. Times are never rounded to less than fp32.</summary>
    /// <param name="latents">States at σ = s, [B, C, ...], fp32.</param>
    /// <param name="from">One s in [0, 1] for all samples, or one for each of the B.</param>
    /// <param name="to">One t in [0, 1] for all samples, or one for each of the B. A difference in t asks for one beyond s, too.</param>
    /// <param name="conditioning">For the same B samples.</param>
    /// <returns>u, the shape of the latents, fp32.</returns>
    Tensor MeanVelocity(Tensor latents, IReadOnlyList<double> from, IReadOnlyList<double> to, Conditioning conditioning);

    /// <summary>Writes what the second time passes through, <see cref="FileName"/>, for an adapter that is exported without its model.</summary>
    /// <param name="folder">The folder of the adapter's files, which is there.</param>
    /// <param name="values">One tensor for each of the <see cref="ITrainable.Parameters"/> of the frozen model, in order.</param>
    Result<Unit> WriteMap(string folder, IReadOnlyList<Tensor> values);
}
