using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Models.Flux;
using LeapAlign.Models.Sd3;
using LeapAlign.Models.ZImage;
using LeapAlign.Networks.Weights;
using LeapAlign.Pipeline;
using LeapAlign.Testing;

namespace LeapAlign.Networks.Tests.Models;

/// <summary>A small folder of every family, and its model.</summary>
internal static class SmallFamilies
{
    public static string Source(string family) => family switch
    {
        "sd3" => Path.Combine(Repository.Models, "tiny-sd3"),
        "flux" => Repository.Fixture("pipeline-flux", "model"),
        "z-image" => Repository.Fixture("pipeline-z-image", "model"),
        _ => throw new ArgumentException($"there is no family '{family}'", nameof(family)),
    };

    public static Result<IModel> Open(string family, PartContext context, string? folder = null, string quantization = "none", string? cache = null, bool flowMap = false, string? from = null)
    {
        var opened = folder ?? Source(family);
        return family switch
        {
            "sd3" => Sd3Model.Load(new Sd3Settings { Folder = opened, Quantization = quantization, QuantizationCache = cache, FlowMap = flowMap, FlowMapFrom = from }, context).Map(static model => (IModel)model),
            "flux" => FluxModel.Load(new FluxSettings { Folder = opened, Quantization = quantization, QuantizationCache = cache, FlowMap = flowMap, FlowMapFrom = from }, context).Map(static model => (IModel)model),
            _ => ZImageModel.Load(new ZImageSettings { Folder = opened, Quantization = quantization, QuantizationCache = cache, FlowMap = flowMap, FlowMapFrom = from }, context).Map(static model => (IModel)model),
        };
    }

    /// <summary>The weights of its transformer.</summary>
    public static WeightSet Weights(IModel model) => model switch
    {
        Sd3Model sd3 => sd3.Networks.Weights,
        FluxModel flux => flux.Networks.Weights,
        ZImageModel other => other.Networks.Weights,
        _ => throw new ArgumentException("the model is of no family that is known", nameof(model)),
    };
}
