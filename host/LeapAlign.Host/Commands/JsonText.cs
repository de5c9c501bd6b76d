using System.Text.Json.Nodes;

namespace LeapAlign.Host.Commands;

/// <summary>Writes a text so that an override takes it as text, whatever it looks like.</summary>
internal static class JsonText
{
    /// <summary>A JSON string.</summary>
    public static string Of(string text) => JsonValue.Create(text).ToJsonString();
}
