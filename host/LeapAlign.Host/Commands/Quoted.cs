using System.Text.Json.Nodes;

namespace LeapAlign.Host.Commands;

/// <summary>Writes a text so that an override takes it as text, whatever it looks like.</summary>
internal static class Quoted
{
    /// <summary>A JSON string.</summary>
    public static string Json(string text) => JsonValue.Create(text).ToJsonString();
}
