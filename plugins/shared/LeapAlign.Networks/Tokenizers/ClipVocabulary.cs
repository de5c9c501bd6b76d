using System.Text.Json;
using LeapAlign.Pipeline;
using Microsoft.ML.Tokenizers;

namespace LeapAlign.Networks.Tokenizers;

/// <summary>The pieces, merges and added tokens of a byte-pair tokenizer, from either form of file.</summary>
internal sealed class ClipVocabulary
{
    // Bytes that print stand for themselves, the others for U+0100 and on, in order.
    private static readonly string[] Bytes =
    [
        .. Enumerable.Range(0, 256).Where(IsPrinted).Select(static code => ((char)code).ToString()),
        .. Enumerable.Range(0, 256).Where(static code => !IsPrinted(code)).Select(static (_, number) => ((char)(256 + number)).ToString()),
    ];

    private readonly string _path;
    private readonly Dictionary<string, int> _ids = [];
    private readonly List<string> _merges = [];

    private ClipVocabulary(string path) => _path = path;

    /// <summary>The file that holds the ids.</summary>
    public string Path => _path;

    /// <summary>Every piece's id.</summary>
    public IReadOnlyDictionary<string, int> Ids => _ids;

    /// <summary>The merges, <c>left right</c>, first the one that goes first.</summary>
    public IReadOnlyList<string> Merges => _merges;

    /// <summary>Reads tokenizer.json, or vocab.json and merges.txt where that is not there.</summary>
    public static Result<ClipVocabulary> Load(string folder)
    {
        var (pieces, merges, whole) = (System.IO.Path.Combine(folder, "vocab.json"), System.IO.Path.Combine(folder, "merges.txt"), System.IO.Path.Combine(folder, "tokenizer.json"));
        if (File.Exists(whole)) return TokenizerFile.Json(whole, new ClipVocabulary(whole).TakeWhole);
        if (!File.Exists(pieces) || !File.Exists(merges))
        {
            var missing = File.Exists(pieces) ? merges : pieces;
            return TokenizerFile.Bad(missing, "this file of the tokenizer is missing: vocab.json with merges.txt, or tokenizer.json, has to be there");
        }
        return from lines in TokenizerFile.Lines(merges)
               from read in TokenizerFile.Json(pieces, new ClipVocabulary(pieces).TakePieces)
               from vocabulary in read.TakeLines(merges, lines)
               select vocabulary;
    }

    /// <summary>Merges words into tokens.</summary>
    /// <param name="unknown">What stands for a piece that the vocabulary lacks; null, or a token that it lacks too, for none.</param>
    /// <param name="endOfWord">What the last piece of a word ends with; null for nothing.</param>
    public BpeTokenizer ToPairs(string? unknown, string? endOfWord = "</w>") => BpeTokenizer.Create(new BpeOptions(_ids)
    {
        Merges = _merges,
        EndOfWordSuffix = endOfWord,
        ByteLevel = true,
        UnknownToken = unknown is not null && _ids.ContainsKey(unknown) ? unknown : null,
    });

    /// <summary>Requires a piece for every byte: without one a text that has it would lose it.</summary>
    public Result<Unit> RequireBytes()
    {
        foreach (var piece in Bytes.Where(piece => !_ids.ContainsKey(piece)))
            return TokenizerFile.Bad(_path, $"the vocabulary lacks '{piece}', which stands for a byte", "model.vocab");
        return Unit.Value;
    }

    private Result<ClipVocabulary> TakeWhole(JsonElement root) =>
        from model in TokenizerFile.Field(_path, root, "model", JsonValueKind.Object)
        from type in model.TryGetProperty("type", out var name) && name.ToString() != "BPE" ? TokenizerFile.Bad(_path, $"the tokenizer's model is {name.GetRawText()}, but has to be BPE", "model.type") : Result.Ok(Unit.Value)
        from pieces in TokenizerFile.Field(_path, model, "vocab", JsonValueKind.Object)
        from read in TakePieces(pieces)
        from merges in TokenizerFile.Field(_path, model, "merges", JsonValueKind.Array)
        from complete in TakeMerges(merges)
        select complete;

    private Result<ClipVocabulary> TakePieces(JsonElement pieces)
    {
        foreach (var piece in pieces.EnumerateObject())
        {
            if (piece.Value.ValueKind != JsonValueKind.Number || !piece.Value.TryGetInt32(out var id) || id < 0)
                return TokenizerFile.Bad(_path, $"the id of '{piece.Name}' is {piece.Value.GetRawText()}, but has to be a whole number from 0 on", piece.Name);
            _ids[piece.Name] = id;
        }
        return _ids.GroupBy(static piece => piece.Value).FirstOrDefault(static same => same.Count() > 1)?.ToArray() is [var first, var second, ..]
            ? TokenizerFile.Bad(_path, $"'{first.Key}' and '{second.Key}' have the same id, {first.Value}", second.Key)
            : this;
    }

    private Result<ClipVocabulary> TakeLines(string path, string[] lines)
    {
        for (var i = 0; i < lines.Length; i++)
        {
            var line = lines[i].TrimEnd('\r');
            // As tokenizers reads it: what stands behind the last end of a line is no line, and any other that is empty is no merge.
            if (line.StartsWith("#version", StringComparison.Ordinal) || (i == lines.Length - 1 && lines[i].Length == 0)) continue;
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

    private static bool IsPrinted(int code) => code is (>= '!' and <= '~') or (>= 0xA1 and <= 0xAC) or (>= 0xAE and <= 0xFF);
}
