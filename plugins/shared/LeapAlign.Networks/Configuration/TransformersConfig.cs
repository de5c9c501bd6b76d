using System.Text.Json;

namespace LeapAlign.Networks.Configuration;

/// <summary>What holds for every configuration of transformers.</summary>
internal static class TransformersConfig
{
    extension(ConfigFields fields)
    {
        /// <summary>Requires the type of model, weights that are stored as they are in the file of the usual name, layers of one size and kind, and that no other file is to be read instead.</summary>
        /// <param name="modelType">The type.</param>
        /// <param name="saysLayerTypes">Whether the configuration says the kind of each layer, and its reader looks at it.</param>
        public void RequireCommon(string modelType, bool saysLayerTypes = false)
        {
            fields.Word("model_type", modelType);
            foreach (var key in (string[])["quantization_config", "per_layer_config", "fusion_config"]) fields.Absent(key);
            if (!saysLayerTypes) fields.Absent("layer_types");
            // The library goes where these two lead, and never looks at what is in their place here.
            const string weights = "transformers_weights";
            const string files = "configuration_files";
            var (other, versions) = (fields.Find(weights), fields.Find(files));
            fields.Require(other is null, weights, $"is {other?.GetRawText()}: weights under another name are not read; give that file the usual name, and take the field out");
            fields.Require(versions is null or { ValueKind: JsonValueKind.Array } && (versions is not { } list || list.GetArrayLength() == 0), files,
                $"is {versions?.GetRawText()}: configurations for single versions of the library are not read; put the one that counts in the place of this file");
        }

        /// <summary>Requires that a number is written as one with a fraction or an exponent: the library, which checks types, refuses a whole one.</summary>
        public double Fraction(string key, double absent)
        {
            var number = fields.Number(key, absent);
            if (fields.Find(key) is { ValueKind: JsonValueKind.Number } element)
                fields.Require(element.GetRawText().AsSpan().ContainsAny('.', 'e', 'E'), key, $"is {element.GetRawText()}, a whole number, which the library refuses: it has to have a fraction or an exponent");
            return number;
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
