using System.Globalization;
using System.Text.Json;
using OpenTelemetry.Resources;

namespace LeapAlign.Host.Telemetry.Export.Files;

/// <summary>The pieces that OTLP messages in JSON have in common: lowerCamelCase keys, hexadecimal ids, 64-bit integers as text.</summary>
internal static class OtlpJson
{
    extension(Utf8JsonWriter writer)
    {
        /// <summary>A message of one resource with items by scope.</summary>
        /// <param name="keys">The keys of resources, scopes and items, for instance resourceSpans, scopeSpans, spans.</param>
        /// <param name="resource">What all of them share.</param>
        /// <param name="items">The items.</param>
        /// <param name="scope">The scope of an item: the name of its source, meter or category.</param>
        /// <param name="write">Writes one item.</param>
        public void Message<T>((string Resources, string Scopes, string Items) keys, Resource resource, IEnumerable<T> items, Func<T, string> scope, Action<Utf8JsonWriter, T> write)
        {
            writer.WriteStartObject();
            writer.WriteStartArray(keys.Resources);
            writer.WriteStartObject();
            writer.WriteStartObject("resource");
            writer.Attributes(resource.Attributes.Select(static pair => new KeyValuePair<string, object?>(pair.Key, pair.Value)));
            writer.WriteEndObject();
            writer.WriteStartArray(keys.Scopes);
            foreach (var group in items.GroupBy(scope, StringComparer.Ordinal))
            {
                writer.WriteStartObject();
                writer.WriteStartObject("scope");
                writer.WriteString("name", group.Key);
                writer.WriteEndObject();
                writer.WriteStartArray(keys.Items);
                foreach (var item in group) write(writer, item);
                writer.WriteEndArray();
                writer.WriteEndObject();
            }
            writer.WriteEndArray();
            writer.WriteEndObject();
            writer.WriteEndArray();
            writer.WriteEndObject();
        }

        /// <summary>The key <c>attributes</c>.</summary>
        public void Attributes(IEnumerable<KeyValuePair<string, object?>> attributes)
        {
            writer.WriteStartArray("attributes");
            foreach (var (key, value) in attributes)
            {
                writer.WriteStartObject();
                writer.WriteString("key", key);
                writer.WriteStartObject("value");
                writer.Value(value);
                writer.WriteEndObject();
                writer.WriteEndObject();
            }
            writer.WriteEndArray();
        }

        /// <summary>A number that may be none: JSON has no other word for it than text.</summary>
        public void Double(string key, double value)
        {
            if (double.IsFinite(value)) writer.WriteNumber(key, value);
            else writer.WriteString(key, double.IsNaN(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity");
        }

        /// <summary>A 64-bit integer.</summary>
        public void Long(string key, long value) => writer.WriteString(key, value.ToString(CultureInfo.InvariantCulture));

        /// <summary>A time.</summary>
        public void Time(string key, DateTimeOffset time) => writer.Long(key, (time - DateTimeOffset.UnixEpoch).Ticks * TimeSpan.NanosecondsPerTick);

        private void Value(object? value)
        {
            switch (value)
            {
                case bool flag:
                    writer.WriteBoolean("boolValue", flag);
                    break;
                case double or float:
                    writer.Double("doubleValue", Convert.ToDouble(value, CultureInfo.InvariantCulture));
                    break;
                case long or int or short or byte:
                    writer.Long("intValue", Convert.ToInt64(value, CultureInfo.InvariantCulture));
                    break;
                default:
                    writer.WriteString("stringValue", Convert.ToString(value, CultureInfo.InvariantCulture));
                    break;
            }
        }
    }
}
