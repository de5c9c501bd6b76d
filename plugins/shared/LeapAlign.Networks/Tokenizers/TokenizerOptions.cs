using System.Globalization;
using System.Text.Json;
using LeapAlign.Pipeline;

namespace LeapAlign.Networks.Tokenizers;

/// <summary>A token that is found in the text as it stands.</summary>
/// <param name="Content">Its spelling.</param>
/// <param name="Id">Its id.</param>
/// <param name="Normalized">Whether it is looked for after cleaning; otherwise in the text as written.</param>
internal sealed record AddedToken(string Content, int Id, bool Normalized);

/// <summary>What tokenizer_config.json and special_tokens_map.json say; both may be absent.</summary>
internal sealed class TokenizerOptions
{
    // Libraries write 10³⁰ where no limit is known.
    private const double NoLimit = 1e6;
    private readonly Dictionary<string, string> _tokens = [];
    private readonly List<AddedToken> _added = [];
    private int? _maxLength;

    private TokenizerOptions()
    {
    }

    /// <summary>The tokens of <c>added_tokens_decoder</c>.</summary>
    public IReadOnlyList<AddedToken> Added => _added;

    /// <summary>Reads the options of a folder.</summary>
    public static Result<TokenizerOptions> Load(string folder)
    {
        var options = new TokenizerOptions();
        foreach (var name in (string[])["tokenizer_config.json", "special_tokens_map.json"])
        {
            var path = Path.Combine(folder, name);
            if (File.Exists(path) && !TokenizerFile.Json(path, root => options.Take(path, root)).TryGet(out _, out var fault)) return fault;
        }
        return options;
    }

    /// <summary>Reads an entry of <c>added_tokens</c> or <c>added_tokens_decoder</c>.</summary>
    public static Result<AddedToken> Token(string path, JsonElement token, int? id)
    {
        if (!TokenizerFile.Field(path, token, "content", JsonValueKind.String).TryGet(out var content, out var fault)) return fault;
        if (id is null && token.TryGetProperty("id", out var number) && number.ValueKind == JsonValueKind.Number && number.TryGetInt32(out var value)) id = value;
        if (id is not >= 0 || content.GetString() is not { Length: > 0 } text) return TokenizerFile.Bad(path, "an added token has no id or no content", "added_tokens");
        return new AddedToken(text, id.Value, token.TryGetProperty("normalized", out var flag) && flag.ValueKind == JsonValueKind.True);
    }

    /// <summary>The model's longest sequence.</summary>
    /// <param name="unlimited">What it is when the files name none.</param>
    public int MaxLength(int unlimited) => _maxLength ?? unlimited;

    /// <summary>The spelling of a special token such as <c>pad_token</c>.</summary>
    public string Special(string key, string absent) => _tokens.GetValueOrDefault(key, absent);

    private Result<Unit> Take(string path, JsonElement root)
    {
        foreach (var field in root.EnumerateObject())
        {
            var fault = field.Name switch
            {
                "model_max_length" => TakeLength(path, field.Value),
                "added_tokens_decoder" => TakeAdded(path, field.Value),
                "bos_token" or "eos_token" or "pad_token" or "unk_token" => TakeToken(path, field),
                _ => null,
            };
            if (fault is not null) return fault;
        }
        return Unit.Value;
    }

    private Fault? TakeLength(string path, JsonElement value)
    {
        if (value.ValueKind == JsonValueKind.Null) return null;
        if (value.ValueKind != JsonValueKind.Number || !value.TryGetDouble(out var length) || !(length >= 2))
            return TokenizerFile.Bad(path, $"'model_max_length' is {value.GetRawText()}, but has to be a number from 2 on", "model_max_length");
        if (length < NoLimit) _maxLength ??= (int)length;
        return null;
    }

    private Fault? TakeAdded(string path, JsonElement tokens)
    {
        if (tokens.ValueKind != JsonValueKind.Object) return TokenizerFile.Bad(path, "'added_tokens_decoder' is no object", "added_tokens_decoder");
        foreach (var entry in tokens.EnumerateObject())
        {
            var id = int.TryParse(entry.Name, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : -1;
            if (!Token(path, entry.Value, id).TryGet(out var token, out var fault)) return fault;
            _added.Add(token);
        }
        return null;
    }

    private Fault? TakeToken(string path, JsonProperty field)
    {
        if (field.Value.ValueKind == JsonValueKind.Null) return null;
        var content = field.Value.ValueKind == JsonValueKind.Object && field.Value.TryGetProperty("content", out var inner) ? inner : field.Value;
        if (content.ValueKind != JsonValueKind.String || content.GetString() is not { Length: > 0 } text)
            return TokenizerFile.Bad(path, $"'{field.Name}' is {field.Value.GetRawText()}, but has to be a token", field.Name);
        _tokens.TryAdd(field.Name, text);
        return null;
    }
}
