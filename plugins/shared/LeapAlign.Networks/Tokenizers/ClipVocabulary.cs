using System.Text.Json;
using LeapAlign.Pipeline;

namespace LeapAlign.Networks.Tokenizers;

/// <summary>The pieces, merges and added tokens of a byte-pair tokenizer, from either form of file.</summary>
internal sealed class ClipVocabulary
{
    private readonly string _path;
    private readonly Dictionary<string, int> _ids = [];
    private readonly List<string> _merges = [];
    private readonly List<AddedToken> _added = [];

    private ClipVocabulary(string path) => _path = path;

    /// <summary>Every piece's id.</summary>
    public IReadOnlyDictionary<string, int> Ids => _ids;

    /// <summary>The merges, <c>left right</c>, first the one that goes first.</summary>
    public IReadOnlyList<string> Merges => _merges;

    /// <summary>The tokens that tokenizer.json adds.</summary>
    public IReadOnlyList<AddedToken> Added => _added;

    /// <summary>Reads vocab.json and merges.txt, or tokenizer.json where these are not there.</summary>
    public static Result<ClipVocabulary> Load(string folder)
    {
        var (pieces, merges, whole) = (Path.Combine(folder, "vocab.json"), Path.Combine(folder, "merges.txt"), Path.Combine(folder, "tokenizer.json"));
        var inParts = File.Exists(pieces) && File.Exists(merges);
        if (!inParts && File.Exists(whole))
        {
            var vocabulary = new ClipVocabulary(whole);
            return TokenizerFile.Json(whole, vocabulary.TakeWhole);
        }
        if (!inParts)
        {
            var missing = File.Exists(pieces) ? merges : pieces;
            return TokenizerFile.Bad(missing, "this file of the tokenizer is missing: vocab.json with merges.txt, or tokenizer.json, has to be there");
        }
        return from lines in TokenizerFile.Lines(merges)
               from read in TokenizerFile.Json(pieces, new ClipVocabulary(pieces).TakePieces)
               from vocabulary in read.TakeLines(merges, lines)
               select vocabulary;
    }

    /// <summary>The id of a special token.</summary>
    public Result<int> Id(string token) =>
        _ids.TryGetValue(token, out var id) ? id : TokenizerFile.Bad(_path, $"the vocabulary lacks the special token '{token}'");

    private Result<ClipVocabulary> TakeWhole(JsonElement root) =>
        from model in TokenizerFile.Field(_path, root, "model", JsonValueKind.Object)
        from pieces in TokenizerFile.Field(_path, model, "vocab", JsonValueKind.Object)
        from read in TakePieces(pieces)
        from merges in TokenizerFile.Field(_path, model, "merges", JsonValueKind.Array)
        from merged in TakeMerges(merges)
        from complete in TakeAdded(root)
        select complete;

    private Result<ClipVocabulary> TakePieces(JsonElement pieces)
    {
        foreach (var piece in pieces.EnumerateObject())
        {
            if (piece.Value.ValueKind != JsonValueKind.Number || !piece.Value.TryGetInt32(out var id) || id < 0)
                return TokenizerFile.Bad(_path, $"the id of '{piece.Name}' is {piece.Value.GetRawText()}, but has to be a whole number from 0 on", piece.Name);
            _ids[piece.Name] = id;
        }
        return this;
    }

    private Result<ClipVocabulary> TakeLines(string path, string[] lines)
    {
        for (var i = 0; i < lines.Length; i++)
        {
            var line = lines[i].TrimEnd('\r');
            if (line.Length == 0 || (i == 0 && line.StartsWith("#version", StringComparison.Ordinal))) continue;
            if (TakeMerge(path, line, i + 1) is { } fault) return fault;
        }
        return this;
    }

    private Result<ClipVocabulary> TakeMerges(JsonElement merges)
    {
        foreach (var merge in merges.EnumerateArray())
        {
            // Older libraries write "left right", newer ones ["left", "right"].
            var line = merge.ValueKind switch
            {
                JsonValueKind.String => merge.GetString()!,
                JsonValueKind.Array when merge.EnumerateArray().All(part => part.ValueKind == JsonValueKind.String) =>
                    string.Join(' ', merge.EnumerateArray().Select(part => part.GetString())),
                _ => "",
            };
            if (TakeMerge(_path, line, 0) is { } fault) return fault;
        }
        return this;
    }

    private Fault? TakeMerge(string path, string merge, int line)
    {
        var parts = merge.Split(' ');
        if (parts.Length != 2 || parts[0].Length == 0 || parts[1].Length == 0) return TokenizerFile.Bad(path, "a merge has to be two pieces", "merges", line);
        foreach (var piece in (string[])[parts[0], parts[1], parts[0] + parts[1]])
        {
            if (!_ids.ContainsKey(piece)) return TokenizerFile.Bad(path, $"the merge '{merge}' needs '{piece}', which the vocabulary lacks", "merges", line);
        }
        _merges.Add(merge);
        return null;
    }

    private Result<ClipVocabulary> TakeAdded(JsonElement root)
    {
        if (!root.TryGetProperty("added_tokens", out var tokens) || tokens.ValueKind != JsonValueKind.Array) return this;
        foreach (var entry in tokens.EnumerateArray())
        {
            if (!TokenizerOptions.Token(_path, entry, null).TryGet(out var token, out var fault)) return fault;
            _added.Add(token);
            _ids[token.Content] = token.Id;
        }
        return this;
    }
}
