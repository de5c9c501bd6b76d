namespace LeapAlign.Host.Composition;

/// <summary>What a model is called in reports.</summary>
internal static class ModelName
{
    /// <summary>The last part of its folder, which says more than the id of the plugin that opens it; the id of a model without a folder.</summary>
    public static string Of(PartPlan model) =>
        model.Folders.FirstOrDefault() is { } folder && Path.GetFileName(Path.TrimEndingDirectorySeparator(folder)) is { Length: > 0 } name ? name : model.Definition.Id;
}
