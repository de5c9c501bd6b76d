using System.Text.Json;
using LeapAlign.Networks.Formats;
using LeapAlign.Pipeline;

namespace LeapAlign.Networks.Tokenizers;

/// <summary>
/// What a tokenizer's folder says beside its vocabulary: tokenizer_config.json; where that has no <c>added_tokens_decoder</c>, which newer libraries write, also
/// special_tokens_map.json, which hides it, added_tokens.json and the <c>added_tokens</c> of tokenizer.json. All of them may be absent.
/// </summary>
internal sealed class TokenizerOptions
{
    /// <summary>The special tokens with a name of their own, in the order in which the library adds them.</summary>
    public static readonly IReadOnlyList<string> Names = ["bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"];

    // Libraries write 10³⁰ where no limit is known.
    private const double NoLimit = 1e6;
    private readonly FileFormat _format;
    private readonly Dictionary<string, AddedToken?> _named = [];
    private readonly SortedDictionary<int, (AddedToken Token, string Path)> _numbered = [];
    private int? _maxLength;
    private string? _padding;
    private string? _truncation;

    private TokenizerOptions(FileFormat format) => _format = format;

    /// <summary>Tokens that have an id in a file: the id, the token and the file.</summary>
    public IEnumerable<(int Id, AddedToken Token, string Path)> Numbered => _numbered.Select(static entry => (entry.Key, entry.Value.Token, entry.Value.Path));

    /// <summary>Further special tokens of <c>extra_special_tokens</c> or, in older files, <c>additional_special_tokens</c>; null when no file names them.</summary>
    public IReadOnlyList<AddedToken>? Extra { get; private set; }

    /// <summary>How many <c>&lt;extra_id_…&gt;</c> tokens T5 has.</summary>
    public int ExtraIds { get; private set; } = 100;

    /// <summary>Whether special tokens in a text are read as plain text.</summary>
    public bool SplitSpecial { get; private set; }

    /// <summary>Where padding and cutting happen.</summary>
    public TokenSides Sides => new(PadsLeft: _padding == "left", CutsLeft: _truncation == "left");

    /// <summary>Reads the options of a folder.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="format">The fields that tokenizer_config.json may have.</param>
    /// <param name="warn">Is told keys that the library does not know.</param>
    public static Result<TokenizerOptions> Load(string folder, FileFormat format, Action<Fault>? warn)
    {
        var options = new TokenizerOptions(format);
        var isNumbered = false;
        var config = Path.Combine(folder, "tokenizer_config.json");
        var whole = Path.Combine(folder, "tokenizer.json");
        (string Path, Func<JsonElement, Result<Unit>> Take)[] files =
        [
            (config, root =>
            {
                isNumbered = root.TryGetProperty("added_tokens_decoder", out _);
                foreach (var unknown in format.Unknown(root, config)) if (!unknown.Place!.Key!.EndsWith("_token", StringComparison.Ordinal)) warn?.Invoke(unknown);
                return Taken(options.TakeConfig(config, root));
            }),
            (Path.Combine(folder, "special_tokens_map.json"), root => Taken(isNumbered ? null : options.TakeNamed(Path.Combine(folder, "special_tokens_map.json"), root, fromMap: true))),
            (Path.Combine(folder, "added_tokens.json"), root => Taken(isNumbered ? null : options.TakeIds(Path.Combine(folder, "added_tokens.json"), root))),
            (whole, root => Taken(options.TakeWhole(whole, root, withTokens: !isNumbered))),
        ];
        foreach (var (path, take) in files)
        {
            if (File.Exists(path) && !TokenizerFile.Json(path, take).TryGet(out _, out var fault)) return fault;
        }
        return options;
    }

    /// <summary>The model's longest sequence.</summary>
    /// <param name="unlimited">What it is when the files name none.</param>
    public int MaxLength(int unlimited) => _maxLength ?? unlimited;

    /// <summary>The special token of a name such as <c>pad_token</c>, or the library's own where no file names one.</summary>
    public AddedToken? Special(string name, string? absent) => _named.TryGetValue(name, out var token) ? token : absent is null ? null : AddedToken.Named(absent);

    /// <summary>The special tokens with a name, and the further ones.</summary>
    /// <param name="absent">Those that the kind of tokenizer has by itself.</param>
    public IEnumerable<AddedToken> SpecialTokens(IReadOnlyDictionary<string, string> absent) =>
        [.. NamedTokens(absent), .. Extra ?? []];

    /// <summary>The tokens that the library adds to a vocabulary, in its order.</summary>
    /// <param name="absent">The special tokens that the kind of tokenizer has by itself.</param>
    /// <param name="extra">The further special tokens that it has by itself.</param>
    public IEnumerable<AddedToken> Added(IReadOnlyDictionary<string, string> absent, IEnumerable<AddedToken> extra)
    {
        AddedToken[] named = [.. NamedTokens(absent)];
        var spellings = named.Select(static token => token.Content).ToHashSet();
        return [.. _numbered.Values.Select(entry => entry.Token with { Special = entry.Token.Special || spellings.Contains(entry.Token.Content) }), .. named, .. Extra ?? extra];
    }

    /// <summary>Requires that tokens with an id in a file have that id in the vocabulary: a model that learnt another id for a token would read another text.</summary>
    public Result<Unit> Agree(AddedVocabulary added)
    {
        foreach (var (id, token, path) in Numbered)
        {
            if (added.Ids[token.Content] != id)
                return TokenizerFile.Bad(path, $"the token '{token.Content}' has the id {id} here, but the vocabulary gives it {added.Ids[token.Content]}", "added_tokens");
        }
        return Unit.Value;
    }

    /// <summary>The id of a token that frames or pads every text.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="absent">The spellings that the kind of tokenizer has by itself.</param>
    /// <param name="ids">The vocabulary.</param>
    /// <param name="path">The file of the vocabulary.</param>
    public Result<int> Framing(string name, IReadOnlyDictionary<string, string> absent, IReadOnlyDictionary<string, int> ids, string path)
    {
        if (Special(name, absent.GetValueOrDefault(name)) is not { } token) return TokenizerFile.Bad(path, $"'{name}' is null in the tokenizer's configuration, but every text needs it", name);
        return ids.TryGetValue(token.Content, out var id) ? id : TokenizerFile.Bad(path, $"the vocabulary lacks the special token '{token.Content}'");
    }

    private IEnumerable<AddedToken> NamedTokens(IReadOnlyDictionary<string, string> absent) =>
        Names.Union(_named.Keys).Select(name => Special(name, absent.GetValueOrDefault(name))).OfType<AddedToken>();

    private static Result<Unit> Taken(Fault? fault) => fault is null ? Unit.Value : fault;

    private Fault? TakeConfig(string path, JsonElement root)
    {
        foreach (var field in root.EnumerateObject())
        {
            var fault = field.Name switch
            {
                "model_max_length" or "max_len" => TakeLength(path, field),
                "added_tokens_decoder" => TakeNumbered(path, field.Value),
                "padding_side" => TakeSide(path, field, ref _padding),
                "truncation_side" => TakeSide(path, field, ref _truncation),
                "split_special_tokens" => TokenizerFile.Switch(path, field, on => SplitSpecial = on),
                "extra_ids" => TokenizerFile.Count(path, field, count => ExtraIds = count),
                _ => TokenizerFormats.Refused(_format, path, field),
            };
            if (fault is not null) return fault;
        }
        return TakeNamed(path, root, fromMap: false);
    }

    private Fault? TakeNamed(string path, JsonElement root, bool fromMap)
    {
        foreach (var field in root.EnumerateObject().Where(static field => field.Name.EndsWith("_token", StringComparison.Ordinal)))
        {
            if (field.Value.ValueKind == JsonValueKind.Null) _named[field.Name] = null;
            else if (AddedToken.Read(path, field.Name, field.Value, special: true).TryGet(out var token, out var fault)) _named[field.Name] = token;
            else if (Names.Contains(field.Name)) return fault;
        }
        // The newer key counts unless it is empty and the older one is there.
        return TakeExtra(path, root, "additional_special_tokens", fromMap) ?? TakeExtra(path, root, "extra_special_tokens", fromMap);
    }

    private Fault? TakeExtra(string path, JsonElement root, string key, bool fromMap)
    {
        if (!root.TryGetProperty(key, out var list)) return null;
        if (list.ValueKind == JsonValueKind.Object)
        {
            foreach (var field in list.EnumerateObject())
            {
                if (!AddedToken.Read(path, $"{key}.{field.Name}", field.Value, special: true).TryGet(out var token, out var fault)) return fault;
                _named[field.Name] = token;
            }
            return null;
        }
        if (list.ValueKind is not (JsonValueKind.Array or JsonValueKind.Null)) return TokenizerFile.Bad(path, $"'{key}' is {list.GetRawText()}, but has to be a list of tokens", key);
        List<AddedToken> tokens = [.. fromMap ? Extra ?? [] : []];
        foreach (var entry in list.ValueKind == JsonValueKind.Array ? list.EnumerateArray().ToArray() : [])
        {
            // A word is special; an object says so itself, but in special_tokens_map.json it always is.
            if (!AddedToken.Read(path, key, entry, special: fromMap || entry.ValueKind == JsonValueKind.String).TryGet(out var token, out var fault)) return fault;
            tokens.Add(token);
        }
        if (tokens.Count > 0 || Extra is null) Extra = tokens;
        return null;
    }

    private Fault? TakeIds(string path, JsonElement root)
    {
        foreach (var field in root.EnumerateObject())
        {
            if (field.Value.ValueKind != JsonValueKind.Number || !field.Value.TryGetInt32(out var id) || id < 0 || field.Name.Length == 0)
                return TokenizerFile.Bad(path, $"the id of '{field.Name}' is {field.Value.GetRawText()}, but has to be a whole number from 0 on", field.Name);
            var special = _named.Values.Concat(Extra ?? []).Any(token => token?.Content == field.Name);
            _numbered[id] = (new AddedToken(field.Name) { Special = special, Normalized = !special }, path);
        }
        return null;
    }

    private Fault? TakeWhole(string path, JsonElement root, bool withTokens)
    {
        _padding ??= Direction(root, "padding");
        _truncation ??= Direction(root, "truncation");
        if (!withTokens) return null;
        if (!TokenizerFile.Field(path, root, "added_tokens", JsonValueKind.Array).TryGet(out var tokens, out var fault)) return fault;
        foreach (var entry in tokens.EnumerateArray())
        {
            if (!AddedToken.Read(path, "added_tokens", entry, special: false).TryGet(out var token, out fault)) return fault;
            if (!entry.TryGetProperty("id", out var number) || number.ValueKind != JsonValueKind.Number || !number.TryGetInt32(out var id) || id < 0)
                return TokenizerFile.Bad(path, $"the added token '{token.Content}' has no id", "added_tokens");
            _numbered[id] = (token, path);
        }
        return null;
    }

    private Fault? TakeNumbered(string path, JsonElement tokens)
    {
        const string key = "added_tokens_decoder";
        if (tokens.ValueKind != JsonValueKind.Object) return TokenizerFile.Bad(path, $"'{key}' is no object", key);
        foreach (var entry in tokens.EnumerateObject())
        {
            if (!TokenizerFile.Number(entry.Name, out var id)) return TokenizerFile.Bad(path, $"'{entry.Name}' of '{key}' is no id", key);
            if (!AddedToken.Read(path, key, entry.Value, special: false).TryGet(out var token, out var fault)) return fault;
            _numbered[id] = (token, path);
        }
        return null;
    }

    private Fault? TakeLength(string path, JsonProperty field)
    {
        if (field.Value.ValueKind == JsonValueKind.Null) return null;
        if (field.Value.ValueKind != JsonValueKind.Number || !field.Value.TryGetDouble(out var length) || !(length >= 2))
            return TokenizerFile.Bad(path, $"'{field.Name}' is {field.Value.GetRawText()}, but has to be a number from 2 on", field.Name);
        // The library counts with it, and fails on a number that has a fraction, be it zero.
        if (length < NoLimit && field.Value.GetRawText().AsSpan().ContainsAny('.', 'e', 'E'))
            return TokenizerFile.Bad(path, $"'{field.Name}' is {field.Value.GetRawText()}, but has to be a whole number, written as one", field.Name);
        if (length < NoLimit && (field.Name == "model_max_length" || _maxLength is null)) _maxLength = (int)length;
        return null;
    }

    private static Fault? TakeSide(string path, JsonProperty field, ref string? side)
    {
        side = field.Value.ValueKind == JsonValueKind.String ? field.Value.GetString() : null;
        return side is "left" or "right" ? null : TokenizerFile.Bad(path, $"'{field.Name}' is {field.Value.GetRawText()}, but has to be left or right", field.Name);
    }

    private static string? Direction(JsonElement root, string key) =>
        root.TryGetProperty(key, out var section) && section.ValueKind == JsonValueKind.Object && section.TryGetProperty("direction", out var direction)
            && direction.ValueKind == JsonValueKind.String ? direction.GetString()!.ToLowerInvariant() : null;
}
