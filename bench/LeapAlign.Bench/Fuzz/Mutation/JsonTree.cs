using System.Text;
using System.Text.Json;

namespace LeapAlign.Bench.Fuzz.Mutation;

/// <summary>A JSON value that may be anything, also what no JSON library would write: names twice, numbers without end, texts that are none.</summary>
internal sealed class JsonTree
{
    private static readonly JsonDocumentOptions s_lenient = new() { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true, AllowDuplicateProperties = true };

    private JsonTree(char kind, string raw) => (Kind, Raw) = (kind, raw);

    /// <summary><c>{</c>, <c>[</c>, or <c>s</c> for anything else.</summary>
    public char Kind { get; }

    /// <summary>The text of a value that has no children.</summary>
    public string Raw { get; set; }

    /// <summary>The children, with their names as they are written, quotes included; no name in a list.</summary>
    public List<JsonSlot> Children { get; } = [];

    /// <summary>A value without children.</summary>
    public static JsonTree Scalar(string raw) => new('s', raw);

    /// <summary>An object or a list.</summary>
    public static JsonTree Of(char kind, params IEnumerable<JsonSlot> children)
    {
        var tree = new JsonTree(kind, "");
        tree.Children.AddRange(children);
        return tree;
    }

    /// <summary>Reads a text.</summary>
    /// <returns>Null when it is not JSON.</returns>
    public static JsonTree? Parse(ReadOnlySpan<byte> utf8)
    {
        try
        {
            using var document = JsonDocument.Parse(utf8.StartsWith(Encoding.UTF8.Preamble) ? utf8[3..].ToArray() : utf8.ToArray(), s_lenient);
            return Of(document.RootElement);
        }
        catch (Exception refused) when (refused is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    /// <summary>A copy.</summary>
    public JsonTree Clone() => Kind == 's' ? Scalar(Raw) : Of(Kind, Children.Select(static child => new JsonSlot(child.Name, child.Value.Clone())));

    /// <summary>Every place below this value that holds another, with the value that it is in.</summary>
    public IEnumerable<(JsonTree Parent, JsonSlot Slot)> Slots() => Children.SelectMany(child => child.Value.Slots().Prepend((this, child)));

    /// <summary>The text.</summary>
    /// <param name="space">What stands between its signs.</param>
    public byte[] ToBytes(string space)
    {
        var text = new StringBuilder();
        Write(text, space);
        return Encoding.UTF8.GetBytes(text.ToString());
    }

    private static JsonTree Of(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Object => Of('{', element.EnumerateObject().Select(static property => new JsonSlot(JsonText(property.Name), Of(property.Value)))),
        JsonValueKind.Array => Of('[', element.EnumerateArray().Select(static item => new JsonSlot(null, Of(item)))),
        _ => Scalar(element.GetRawText()),
    };

    /// <summary>A text as JSON.</summary>
    public static string JsonText(string text) => $"\"{JsonEncodedText.Encode(text)}\"";

    private void Write(StringBuilder text, string space)
    {
        if (Kind == 's')
        {
            text.Append(Raw);
            return;
        }
        text.Append(Kind);
        foreach (var child in Children)
        {
            if (!ReferenceEquals(child, Children[0])) text.Append(',');
            text.Append(space);
            if (Kind == '{') text.Append(child.Name ?? "\"\"").Append(':');
            child.Value.Write(text, space);
        }
        text.Append(space).Append(Kind == '{' ? '}' : ']');
    }
}

/// <summary>A place that holds a value.</summary>
internal sealed class JsonSlot(string? name, JsonTree value)
{
    public string? Name { get; set; } = name;

    public JsonTree Value { get; set; } = value;
}
