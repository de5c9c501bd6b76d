using LeapAlign.Contracts.Models;
using LeapAlign.Host.Composition;
using LeapAlign.Pipeline;

namespace LeapAlign.Host.Kernel;

/// <summary>Whether an adapter that continues from the file of a flow map stands beside that flow map: its factors without the gap embedding that they were trained with draw pictures that are almost right.</summary>
internal static class AdapterOfMap
{
    /// <summary>Looks for a gap embedding beside each file that the adapter's settings name.</summary>
    /// <param name="plan">The composition.</param>
    /// <param name="model">Its model.</param>
    /// <returns><see cref="FaultCodes.FlowMapApart"/> where there is one, and the model has none or a new one.</returns>
    public static Result<Unit> Check(RunPlan plan, IModel model)
    {
        foreach (var path in plan.Adapter?.Files.Select(path => Path.GetFullPath(path, plan.BaseFolder)) ?? [])
        {
            var file = Path.Combine(Directory.Exists(path) ? path : Path.GetDirectoryName(path) ?? "", IFlowMapModel.FileName);
            if (!File.Exists(file) || model is IFlowMapModel { IsFlowMap: true, MapFile: not null }) continue;
            var lacks = model is IFlowMapModel { IsFlowMap: true } ? "has a new gap embedding" : "is asked for a velocity (flowMap is false)";
            return new Fault.Input(
                FaultCodes.FlowMapApart,
                $"the adapter '{plan.Adapter!.Name}' goes on from that of a flow map, but the model '{plan.Model.Name}' {lacks}: set model.settings.flowMap to true, and model.settings.flowMapFrom to this file",
                new SourcePlace(file));
        }
        return Unit.Value;
    }
}
