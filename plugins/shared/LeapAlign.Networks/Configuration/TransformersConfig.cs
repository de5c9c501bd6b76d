using System.Text.Json;

namespace LeapAlign.Networks.Configuration;

/// <summary>What holds for every configuration of transformers.</summary>
internal static class TransformersConfig
{
    extension(ConfigFields fields)
    {
        /// <summary>Requires the type of model, weights that are stored as they are, and layers of one size.</summary>
        public void RequireCommon(string modelType)
        {
            fields.Word("model_type", modelType);
            fields.Absent("quantization_config");
            fields.Absent("per_layer_config");
        }

        /// <summary>Requires that none of these fields is null: the library takes null for a value, and fails on it where a number or a word is needed.</summary>
        public void NotNull(params IReadOnlyList<string> keys)
        {
            foreach (var field in fields.Properties.Where(field => field.Value.ValueKind == JsonValueKind.Null && keys.Contains(field.Name)))
                fields.Require(false, field.Name, "is null, but has to have a value");
        }

        /// <summary>Whether a field is there and is a list.</summary>
        public bool IsList(string key) => fields.Properties.Any(field => field.Name == key && field.Value.ValueKind == JsonValueKind.Array);
    }
}
