using System.Text.Json;
using LeapAlign.Pipeline;
using static LeapAlign.Networks.Tokenizers.SentencePieceModel;

namespace LeapAlign.Networks.Tokenizers;

/// <summary>Rebuilds a unigram SentencePiece model from tokenizer.json, which holds the same pieces, scores and table.</summary>
internal static class SentencePieceJson
{
    private const uint PieceTextTag = (1 << 3) | 2;
    private const uint PieceScoreTag = (2 << 3) | 5;
    private const uint PieceTypeTag = 3 << 3;
    private const uint ModelTypeTag = 3 << 3;
    private const uint UnknownIdTag = 40 << 3;
    private const uint EndIdTag = 42 << 3;
    private const uint PadIdTag = 43 << 3;
    private const int Unigram = 1;

    private enum PieceType
    {
        Normal = 1,
        Unknown = 2,
        Control = 3,
    }

    /// <summary>Reads the file.</summary>
    public static Result<SentencePieceModel> Load(string path) => TokenizerFile.Json(path, root => Rebuild(path, root));

    private static Result<SentencePieceModel> Rebuild(string path, JsonElement root) =>
        from model in TokenizerFile.Field(path, root, "model", JsonValueKind.Object)
        from type in TokenizerFile.Field(path, model, "type", JsonValueKind.String)
        from pieces in TokenizerFile.Field(path, model, "vocab", JsonValueKind.Array)
        from unknown in TokenizerFile.Field(path, model, "unk_id", JsonValueKind.Number)
        from special in Special(path, root)
        from characters in Characters(path, root)
        from bytes in type.GetString() == "Unigram"
            ? Write(path, pieces, unknown.TryGetInt32(out var id) ? id : -1, special)
            : TokenizerFile.Bad(path, $"the tokenizer's model is {type.GetRawText()}, but has to be Unigram", "model.type")
        select new SentencePieceModel(path, bytes, characters);

    private static Result<Dictionary<string, int>> Special(string path, JsonElement root)
    {
        var special = new Dictionary<string, int>();
        if (!root.TryGetProperty("added_tokens", out var tokens) || tokens.ValueKind != JsonValueKind.Array) return special;
        foreach (var entry in tokens.EnumerateArray())
        {
            if (!TokenizerOptions.Token(path, entry, null).TryGet(out var token, out var fault)) return fault;
            special[token.Content] = token.Id;
        }
        return special;
    }

    // The table is the normalizer itself or one of a sequence.
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

    private static Result<byte[]> Write(string path, JsonElement pieces, int unknown, Dictionary<string, int> special)
    {
        if (unknown < 0 || unknown >= pieces.GetArrayLength()) return TokenizerFile.Bad(path, "'unk_id' is no piece", "model.unk_id");
        if (!special.TryGetValue("</s>", out var end)) return TokenizerFile.Bad(path, "the end token '</s>' is missing", "added_tokens");
        using var output = new MemoryStream();
        var id = 0;
        foreach (var piece in pieces.EnumerateArray())
        {
            if (piece.ValueKind != JsonValueKind.Array || piece.GetArrayLength() != 2 || piece[0].ValueKind != JsonValueKind.String || piece[1].ValueKind != JsonValueKind.Number)
                return TokenizerFile.Bad(path, $"the entry {id} of the vocabulary is no pair of a piece and its score", "model.vocab");
            var text = piece[0].GetString()!;
            output.Write(Piece(text, (float)piece[1].GetDouble(), id == unknown ? PieceType.Unknown : special.ContainsKey(text) ? PieceType.Control : PieceType.Normal));
            id++;
        }
        output.Write(Message(TrainerTag, trainer =>
        {
            Number(trainer, ModelTypeTag, Unigram);
            Number(trainer, UnknownIdTag, unknown);
            Number(trainer, BeginIdTag, 0);
            Number(trainer, EndIdTag, end);
            Number(trainer, PadIdTag, special.GetValueOrDefault("<pad>"));
        }));
        // The library wants to see one, though its normalisation is not used.
        output.Write(Message(NormalizerTag, static _ => { }));
        return output.ToArray();
    }

    private static byte[] Piece(string text, float score, PieceType type) => Message(PiecesTag, piece =>
    {
        piece.WriteTag(PieceTextTag);
        piece.WriteString(text);
        piece.WriteTag(PieceScoreTag);
        piece.WriteFloat(score);
        Number(piece, PieceTypeTag, (int)type);
    });
}
