using System.Text.Json;
using LeapAlign.Networks.Configuration;
using LeapAlign.Pipeline;

namespace LeapAlign.Pipelines;

/// <summary>Reads model_index.json, which names a pipeline's components and the class of each.</summary>
public static class PipelineIndex
{
    /// <summary>The file that makes a folder a pipeline.</summary>
    public const string FileName = "model_index.json";

    /// <summary>Reads a file.</summary>
    /// <param name="path">The model_index.json.</param>
    /// <param name="family">The class that it has to be of.</param>
    /// <param name="warn">Is told keys that are not known.</param>
    /// <returns>
    /// The components that are there, in the family's order; a fault when the file is absent, or when it names another pipeline or a component of another class, or lacks
    /// one.
    /// </returns>
    public static Result<IReadOnlyList<string>> Read(string path, PipelineFamily family, Action<Fault>? warn = null)
    {
        ArgumentNullException.ThrowIfNull(family);
        return ConfigFields.Read(path, fields => Components(fields, family), family.Format, warn);
    }

    private static void RequireClass(ConfigFields fields, PipelineFamily family)
    {
        const string key = "_class_name";
        var found = fields.Find(key);
        var name = found is { ValueKind: JsonValueKind.String } text ? text.GetString() : null;
        var other = PipelineFamilies.All.FirstOrDefault(other => other.ClassName == name);
        fields.Require(name == family.ClassName, key, $"is {found?.GetRawText() ?? "missing"}, but has to be {family.ClassName}{(other is null ? "" : $"; the model '{other.Model}' opens this folder")}");
    }

    private static IReadOnlyList<string> Components(ConfigFields fields, PipelineFamily family)
    {
        RequireClass(fields, family);
        List<string> there = [];
        foreach (var component in family.Components)
        {
            var words = fields.Pair(component.Name);
            if (words is null) fields.Require(component.MayLack, component.Name, $"is missing, but has to be {component.Supported}");
            else if (component.IsCopiedOnly || component.Takes(words.Value)) there.Add(component.Name);
            else fields.Require(false, component.Name, $"is {words.Value.First} {words.Value.Second}, but has to be {component.Supported}");
        }
        if (family is { T5Encoder: { } encoder, T5Tokenizer: { } tokenizer }) fields.Require(!there.Contains(encoder) || there.Contains(tokenizer), tokenizer, $"is missing, but {encoder} is there");
        return there;
    }
}
