using System.Text.Json.Nodes;
using LeapAlign.Host.Configuration.Schema;

namespace LeapAlign.Host.Composition;

/// <summary>What a model is called in reports.</summary>
internal static class ModelName
{
    /// <summary>The last part of its folder, which says more than the id of the plugin that opens it; the id of a model without a folder.</summary>
    public static string Of(PartPlan model)
    {
        var settings = JsonNode.Parse(model.Definition.WriteSettings(model.Settings));
        var folder = PathSettings.Of(model.Definition).Where(static setting => setting.IsFolder).Select(setting => setting.In(settings)).FirstOrDefault(static path => path is not null);
        return folder is not null && Path.GetFileName(Path.TrimEndingDirectorySeparator(folder)) is { Length: > 0 } name ? name : model.Definition.Id;
    }
}
