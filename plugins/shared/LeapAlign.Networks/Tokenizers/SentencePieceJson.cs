using System.Text.Json;
using LeapAlign.Pipeline;

namespace LeapAlign.Networks.Tokenizers;

/// <summary>A unigram SentencePiece model as tokenizer.json holds it.</summary>
internal static class SentencePieceJson
{
    /// <summary>Reads the file.</summary>
    public static Result<SentencePieceModel> Load(string path) => TokenizerFile.Json(path, root =>
        from model in TokenizerFile.Field(path, root, "model", JsonValueKind.Object)
        from type in TokenizerFile.Field(path, model, "type", JsonValueKind.String)
        from vocabulary in TokenizerFile.Field(path, model, "vocab", JsonValueKind.Array)
        from unigram in type.GetString() == "Unigram" ? Result.Ok(Unit.Value) : TokenizerFile.Bad(path, $"the tokenizer's model is {type.GetRawText()}, but has to be Unigram", "model.type")
        from pieces in Pieces(path, vocabulary)
        from characters in Characters(path, root)
        select new SentencePieceModel(path, pieces, [], characters) { IsWhole = true });

    // The table is the normalizer itself or one of a sequence; the library takes the first.
    private static Result<byte[]> Characters(string path, JsonElement root)
    {
        if (!root.TryGetProperty("normalizer", out var normalizer) || normalizer.ValueKind != JsonValueKind.Object) return Array.Empty<byte>();
        var steps = normalizer.TryGetProperty("normalizers", out var list) && list.ValueKind == JsonValueKind.Array ? list.EnumerateArray().ToArray() : [normalizer];
        foreach (var step in steps)
        {
            if (step.ValueKind != JsonValueKind.Object || !step.TryGetProperty("precompiled_charsmap", out var map) || map.ValueKind == JsonValueKind.Null) continue;
            return map.ValueKind == JsonValueKind.String && map.TryGetBytesFromBase64(out var bytes)
                ? bytes
                : TokenizerFile.Bad(path, "the table of characters is not base64", "normalizer.precompiled_charsmap");
        }
        return Array.Empty<byte>();
    }

    private static Result<List<(string, float)>> Pieces(string path, JsonElement vocabulary)
    {
        List<(string, float)> pieces = [];
        foreach (var piece in vocabulary.EnumerateArray())
        {
            if (piece.ValueKind != JsonValueKind.Array || piece.GetArrayLength() != 2 || piece[0].ValueKind != JsonValueKind.String || piece[1].ValueKind != JsonValueKind.Number)
                return TokenizerFile.Bad(path, $"the entry {pieces.Count} of the vocabulary is no pair of a piece and its score", "model.vocab");
            pieces.Add((piece[0].GetString()!, (float)piece[1].GetDouble()));
        }
        return pieces;
    }
}
